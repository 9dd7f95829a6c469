"""The approvals function in the template: its path, what it is told, and where there is none."""

from __future__ import annotations

from tests.infra.conftest import CONFIGURATIONS
from tests.infra.template import Assembly, Template, plain

NAME = "stacktest-approvals"


def test_approvers_have_one_path_that_does_not_stream(compute: Template) -> None:
    parts = {made["PathPart"] for made in compute.of("ApiGateway::Resource").values()}
    assert parts == {"{proxy+}", "approvals", "{plugin}", "{run_id}"}
    methods = [m for m in compute.of("ApiGateway::Method").values() if m["HttpMethod"] != "ANY"]
    assert {method["HttpMethod"] for method in methods} == {"GET", "HEAD", "POST"}
    (named,) = {plain(method["Integration"]["Uri"]) for method in methods}
    assert "Approvals" in named
    assert "response-streaming" not in named
    assert {method["Integration"]["TimeoutInMillis"] for method in methods} == {29_000}


def test_the_plugin_is_told_where_its_approvers_go_and_no_other_is(compute: Template) -> None:
    functions = compute.named("Lambda::Function", "FunctionName")
    told = {name: made["Environment"]["Variables"] for name, made in functions.items()}
    where = {
        name: given["PENSTOCK_APPROVALS_URL"]
        for name, given in told.items()
        if "PENSTOCK_APPROVALS_URL" in given
    }
    assert set(where) == {"stacktest-plugin-approval-gate"}
    assert "https://" in plain(where["stacktest-plugin-approval-gate"])
    assert plain(where["stacktest-plugin-approval-gate"]).endswith("/live")
    assert told[NAME]["PENSTOCK_EVIDENCE_KEY"] == "stacktest/delivery-key"


def test_where_nobody_is_asked_there_is_no_such_function_and_no_such_path(
    assemblies: dict[str, Assembly],
) -> None:
    for name in CONFIGURATIONS:
        stacks = assemblies[name].stacks().values()
        functions = {plain(n) for stack in stacks for n in stack.named("Lambda::Function", "FunctionName")}
        paths = {r["PathPart"] for stack in stacks for r in stack.of("ApiGateway::Resource").values()}
        there = any(function.endswith("-approvals") for function in functions)
        assert there is ("approvals" in paths) is (name in {"test", "vendors"})
