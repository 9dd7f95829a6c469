from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from infra import placed
from infra.chosen import chosen_configuration
from penstock.configuration.snapshot import Snapshot
from tests import tree
from tests.infra.conftest import CONFIGURATIONS
from tests.infra.template import Assembly, Template

VENDORS = str(CONFIGURATIONS["vendors"])


def hosted(snapshot: Snapshot, plugin: str) -> Snapshot:
    """The same with every placement of a plugin in a function."""
    placements = {
        moment: tuple(replace(p, host="function") if p.plugin == plugin else p for p in found)
        for moment, found in snapshot.placements.items()
    }
    return replace(snapshot, placements=placements)


def test_all_plugins_of_the_gateway_s_process_share_one_layer(assemblies: dict[str, Assembly]) -> None:
    stack = assemblies["vendors"].stack("vendors-gateway")
    layers = stack.named("Lambda::LayerVersion", "LayerName")
    assert set(layers) == {"vendors-in-process", "vendors-plugin-audit-export"}
    digest = layers["vendors-in-process"]["Content"]["S3Key"].removesuffix(".zip")
    folder = assemblies["vendors"].assets()[digest]
    assert {p.name for p in (folder / "python" / "penstock_plugins").iterdir()} == {
        "card_guard",
        "request_tags",
    }


def test_every_layer_says_for_which_processor_and_python_it_is(compute: Template) -> None:
    for layer in compute.of("Lambda::LayerVersion").values():
        assert layer["CompatibleArchitectures"] == ["arm64"]
        assert layer["CompatibleRuntimes"] == ["python3.13"]


def test_no_function_has_more_layers_than_lambda_takes(assemblies: dict[str, Assembly]) -> None:
    for assembly in assemblies.values():
        for stack in assembly.stacks().values():
            for function in stack.of("Lambda::Function").values():
                assert len(function.get("Layers", [])) <= 5


def test_a_plugin_of_the_function_host_leaves_the_gateway_s_layer_and_is_called_by_it() -> None:
    snapshot = hosted(chosen_configuration(VENDORS).snapshot, "card-guard")
    assert placed.in_process(snapshot) == ["request-tags"]
    assert placed.called(snapshot) == ["card-guard"]
    assert {plugin.name for plugin in placed.in_function(snapshot)} == {"card-guard", "audit-export"}


def test_a_background_plugin_has_a_function_that_the_gateway_does_not_call() -> None:
    snapshot = chosen_configuration(VENDORS).snapshot
    assert placed.called(snapshot) == []
    assert [plugin.name for plugin in placed.in_function(snapshot)] == ["audit-export"]


def test_a_plugin_by_path_is_taken_from_where_its_stanza_says() -> None:
    folders = chosen_configuration(VENDORS).plugin_folders
    assert folders["card-guard"] == tree.ROOT / "examples" / "card_guard"
    assert folders["audit-export"] == Path(tree.ROOT / "plugins" / "audit_export")
