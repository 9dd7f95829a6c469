from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.attached import LAYERS, check_count, check_digests, check_layers, check_packages
from infra.chosen import Chosen, chosen_configuration
from infra.layers import plugin_layer
from infra.limits import RESOURCES
from penstock.configuration.layer import NAMESPACE
from penstock.configuration.lock import NAME
from penstock.configuration.requirements import fetch
from penstock.errors import ConfigurationError
from tests import tree
from tests.configuration import files
from tests.configuration.registered import ARN, register
from tests.configuration.test_requirements import FakePip
from tests.infra import many
from tests.infra.conftest import require_node

Resources = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Resources]:
    """The resources of the stacks of two deployments, by the stack's name, from one process."""
    require_node()
    base = tmp_path_factory.mktemp("synthesised")
    stanzas = {
        "named": [many.registered, many.registered, many.registered, many.by_path, many.background],
        "sixty": [many.background] * 55 + [many.by_path] * 5,
    }
    chosen = []
    for deployment, kinds in stanzas.items():
        (base / deployment).mkdir()
        made = [kind(base / deployment, f"plugin-{number}") for number, kind in enumerate(kinds)]
        chosen.append(f"{deployment}={many.write(base / deployment, deployment, *made)}")
    asked = [sys.executable, "-m", "tests.aws.synthesis", str(base / "out"), *chosen]
    done = subprocess.run(asked, cwd=tree.ROOT, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    templates = (base / "out").glob("*/*.template.json")
    return {
        path.name.partition(".")[0]: dict(json.loads(path.read_text())["Resources"]) for path in templates
    }


def layers_of(resources: Resources) -> dict[str, list[Any]]:
    """By the function's name."""
    found = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::Lambda::Function"]
    return {one["FunctionName"]: one.get("Layers", []) for one in found if "FunctionName" in one}


def test_a_registered_layer_is_given_to_the_function_that_runs_it_as_it_is(
    synthesised: dict[str, Resources],
) -> None:
    resources = synthesised["named-gateway"]
    layers = layers_of(resources)
    arns = {layer for layer in layers["named-gateway"] if isinstance(layer, str)}
    assert arns == {ARN.format(f"plugin-{number}") for number in range(3)}
    (made,) = (layer["Ref"] for layer in layers["named-gateway"] if isinstance(layer, dict))
    assert resources[made]["Properties"]["LayerName"] == "named-in-process"
    assert [layer for layer in layers["named-plugin-plugin-4"] if isinstance(layer, str)] == []


def test_sixty_plugins_fit_into_one_deployment(synthesised: dict[str, Resources]) -> None:
    counts = {stack: len(resources) for stack, resources in synthesised.items()}
    assert 300 < counts["sixty-gateway"] <= RESOURCES
    assert 200 < counts["sixty-data"] <= RESOURCES
    layers = layers_of(synthesised["sixty-gateway"])
    assert len(layers["sixty-gateway"]) == 1, "all by path are one layer"
    assert len([name for name in layers if name.startswith("sixty-plugin-")]) == 55


def test_five_layers_are_let_pass_and_six_are_refused_with_what_to_do() -> None:
    names = [f"reg-{number}" for number in range(LAYERS + 1)]
    check_count("d", [], names[:LAYERS])
    check_count("d", ["a", "b", "c"], names[: LAYERS - 1])
    for by_path, registered in ((["a"], names[:LAYERS]), ([], names)):
        with pytest.raises(ConfigurationError) as caught:
            check_count("d-in-process", by_path, registered)
        assert "would have 6 layers, and 5 are the most: reg-0, reg-1" in str(caught.value)
        assert 'Give some of them `path`, which puts them into one layer, or host = "function".' in str(
            caught.value
        )


def moved(tmp_path: Path, layer: str) -> Chosen:
    """A deployment of two registered plugins, the second one's layer somewhere else."""
    path = many.write(tmp_path, "named", *(many.registered(tmp_path, name) for name in ("one", "two")))
    lock = tmp_path / NAME
    lock.write_text(lock.read_text().replace(ARN.format("two"), layer))
    return chosen_configuration(str(path))


def test_layers_that_lie_where_the_deployment_goes_are_let_pass(tmp_path: Path) -> None:
    chosen = moved(tmp_path, ARN.format("two"))
    check_layers(chosen, {})
    check_layers(chosen, {"CDK_DEFAULT_REGION": "eu-central-1", "CDK_DEFAULT_ACCOUNT": "123456789012"})


@pytest.mark.parametrize(
    ("changed", "environment", "problem"),
    [
        (("plugin-two", "plugin-one"), {}, "a layer called 'penstock-plugin-one'"),
        (
            ("eu-central-1", "eu-west-1"),
            {},
            "is in eu-west-1 (aws), another plugin's layer in eu-central-1 (aws)",
        ),
        (("arn:aws:", "arn:aws-cn:"), {}, "is in eu-central-1 (aws-cn), another"),
        (
            ("", ""),
            {"CDK_DEFAULT_REGION": "us-east-1"},
            "is in eu-central-1, and this deployment goes to us-east-1",
        ),
        (("", ""), {"CDK_DEFAULT_ACCOUNT": "999999999999"}, "this deployment goes to 999999999999"),
    ],
)
def test_a_layer_of_another_place_or_plugin_is_refused_with_what_to_do(
    changed: tuple[str, str], environment: dict[str, str], problem: str, tmp_path: Path
) -> None:
    chosen = moved(tmp_path, ARN.format("two").replace(*changed))
    with pytest.raises(ConfigurationError) as caught:
        check_layers(chosen, environment)
    said = str(caught.value)
    assert problem in said
    assert f"{tmp_path / NAME}: " in said
    assert "Run `penstock plugin register`" in said


def test_what_was_staged_must_be_what_was_compiled(tmp_path: Path) -> None:
    path = many.write(tmp_path, "named", many.by_path(tmp_path, "own"))
    chosen = chosen_configuration(str(path))
    staged = plugin_layer(chosen.plugin_folders, tmp_path / "staged")
    folder, deployed = staged.folder / NAMESPACE / "own", chosen.snapshot.plugins["own"]
    check_digests("here", folder, deployed)
    (tmp_path / "own" / "guard.py").write_text(files.SOURCE + "# edited\n")
    staged = plugin_layer(chosen.plugin_folders, tmp_path / "staged")
    with pytest.raises(ConfigurationError, match="its files changed while the stacks were made"):
        check_digests("here", staged.folder / NAMESPACE / "own", deployed)


def test_what_is_registered_and_what_lies_here_are_told_apart(tmp_path: Path) -> None:
    path = many.write(tmp_path, "named", many.registered(tmp_path, "reg"), many.by_path(tmp_path, "own"))
    chosen = chosen_configuration(str(path))
    assert set(chosen.registered) == {"reg"}
    assert chosen.registered["reg"].layer == ARN.format("reg")
    assert chosen.plugin_folders == {"own": tmp_path / "own"}
    assert chosen.snapshot.plugins["reg"].digest == chosen.registered["reg"].digest


def test_a_registered_plugin_brings_no_other_version_than_a_built_in_one_has(tmp_path: Path) -> None:
    folder = files.plugin(tmp_path / "elsewhere")
    (folder / "requirements.txt").write_text(f"phonenumbers==1 --hash=sha256:{'0' * 64}\n")
    place = fetch(folder, tmp_path, FakePip())
    assert place is not None
    (place / "lambda" / "phonenumbers").mkdir()
    (place / "lambda" / "phonenumbers" / "__init__.py").write_text("")
    entry = register(tmp_path, folder=folder)
    redactor = {"pii-redactor": tree.ROOT / "plugins" / "pii_redactor"}
    path = many.write(tmp_path, "named", many.REGISTERED.format("guard") + files.GRANT)
    chosen = chosen_configuration(str(path))
    check_packages({}, {"guard": entry}, chosen)
    with pytest.raises(ConfigurationError, match="brings another 'phonenumbers' than 'guard'"):
        check_packages(redactor, {"guard": entry}, chosen)
