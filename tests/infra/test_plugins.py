from __future__ import annotations

from pathlib import Path

from infra import placed
from infra.chosen import chosen_configuration
from tests import tree
from tests.infra.conftest import CONFIGURATIONS
from tests.infra.template import Assembly, Template

VENDORS = str(CONFIGURATIONS["vendors"])


def test_all_plugins_of_the_gateway_s_process_share_one_layer(assemblies: dict[str, Assembly]) -> None:
    stack = assemblies["default"].stack("penstock-gateway")
    layers = stack.named("Lambda::LayerVersion", "LayerName")
    assert set(layers) == {"penstock-in-process", "penstock-plugin-audit-export"}
    digest = layers["penstock-in-process"]["Content"]["S3Key"].removesuffix(".zip")
    folder = assemblies["default"].assets()[digest]
    assert {p.name for p in (folder / "python" / "penstock_plugins").iterdir()} == {
        "pii_redactor",
        "request_tags",
    }


def test_another_author_s_plugin_has_a_layer_and_a_function_of_its_own(
    assemblies: dict[str, Assembly],
) -> None:
    stack = assemblies["vendors"].stack("vendors-gateway")
    layers = stack.named("Lambda::LayerVersion", "LayerName")
    assert set(layers) == {
        "vendors-in-process",
        "vendors-plugin-approval-gate",
        "vendors-plugin-audit-export",
        "vendors-plugin-card-guard",
        "vendors-plugin-warehouse-export",
    }
    assert "vendors-plugin-card-guard" in stack.named("Lambda::Function", "FunctionName")


def test_who_is_only_called_at_gates_has_no_queue_and_may_write_its_log_alone(
    assemblies: dict[str, Assembly], template: Template, compute: Template
) -> None:
    queues = template.named("SQS::Queue", "QueueName")
    assert "stacktest-plugin-audit-export" in queues
    assert not any("card-guard" in name for name in queues)
    function = compute.named("Lambda::Function", "FunctionName")["stacktest-plugin-card-guard"]
    role = compute.resources[function["Role"]["Fn::GetAtt"][0]]["Properties"]
    (policy,) = role["Policies"]
    (logs,) = policy["PolicyDocument"]["Statement"]
    assert logs["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert "ManagedPolicyArns" not in role


def test_a_function_that_is_called_at_gates_ends_soon_after_its_longest_deadline(compute: Template) -> None:
    functions = compute.named("Lambda::Function", "FunctionName")
    assert functions["stacktest-plugin-card-guard"]["Timeout"] == 2 + placed.ENDING_S
    assert functions["stacktest-plugin-audit-export"]["Timeout"] == placed.BACKGROUND_S


def test_every_layer_says_for_which_processor_and_python_it_is(compute: Template) -> None:
    for layer in compute.of("Lambda::LayerVersion").values():
        assert layer["CompatibleArchitectures"] == ["arm64"]
        assert layer["CompatibleRuntimes"] == ["python3.13"]


def test_no_function_has_more_layers_than_lambda_takes(assemblies: dict[str, Assembly]) -> None:
    for assembly in assemblies.values():
        for stack in assembly.stacks().values():
            for function in stack.of("Lambda::Function").values():
                assert len(function.get("Layers", [])) <= 5


def test_a_plugin_by_path_is_taken_from_where_its_stanza_says() -> None:
    folders = chosen_configuration(VENDORS).plugin_folders
    assert folders["card-guard"] == tree.ROOT / "examples" / "card_guard"
    assert folders["audit-export"] == Path(tree.ROOT / "plugins" / "audit_export")
