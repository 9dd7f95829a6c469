from __future__ import annotations

from tests.infra.template import Assembly, Template


def test_the_gateway_starts_in_our_runtime_and_streams(compute: Template) -> None:
    gateway = compute.named("Lambda::Function", "FunctionName")["stacktest-gateway"]
    variables = gateway["Environment"]["Variables"]
    assert variables["AWS_LAMBDA_EXEC_WRAPPER"] == "/var/task/penstock/runtime/exec-wrapper"
    assert variables["PENSTOCK_STREAMING"] == "1"
    assert gateway["Handler"] == "functions.gateway.handler.handler"
    assert gateway["Timeout"] == 900


def test_callers_reach_a_version_and_the_ones_before_it_stay(compute: Template) -> None:
    (alias,) = compute.of("Lambda::Alias").values()
    (version,) = (r for r in compute.resources.values() if r["Type"] == "AWS::Lambda::Version")
    assert alias["Name"] == "live"
    assert version["DeletionPolicy"] == "Retain"


def test_concurrency_and_memory_are_gateway_toml_s_to_choose(assemblies: dict[str, Assembly]) -> None:
    functions = assemblies["vendors"].stack("vendors-gateway").named("Lambda::Function", "FunctionName")
    gateway = functions["vendors-gateway"]
    assert (gateway["MemorySize"], gateway["ReservedConcurrentExecutions"]) == (3538, 400)
    assert "SnapStart" not in gateway
