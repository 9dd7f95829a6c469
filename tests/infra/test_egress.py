"""`egress = "enforced"` as it is deployed: one egress function, an alias for each plugin that may send."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.chosen import chosen_configuration
from infra.egress import _check_secrets
from penstock.errors import ConfigurationError
from tests.infra.conftest import CONFIGURATIONS
from tests.infra.template import Assembly, Template

SENDER = "walled-egress"


@pytest.fixture(scope="session")
def walled(assemblies: dict[str, Assembly]) -> Template:
    return assemblies["enforced"].stack("walled-gateway")


def test_each_plugin_that_is_granted_hosts_has_an_alias_and_no_other_plugin_has(walled: Template) -> None:
    function = next(n for n, f in walled.of("Lambda::Function").items() if f["FunctionName"] == SENDER)
    aliases = [a for a in walled.of("Lambda::Alias").values() if a["FunctionName"] == {"Ref": function}]
    assert {alias["Name"] for alias in aliases} == {"asker", "audit-export"}
    (version,) = {alias["FunctionVersion"]["Fn::GetAtt"][0] for alias in aliases}
    assert walled.resources[version]["Type"] == "AWS::Lambda::Version"


def test_a_plugin_s_function_is_told_its_own_alias_and_no_other(walled: Template) -> None:
    functions = walled.named("Lambda::Function", "FunctionName")
    told = {
        name: function["Environment"]["Variables"].get("PENSTOCK_EGRESS_ALIAS")
        for name, function in functions.items()
    }
    assert {name: alias for name, alias in told.items() if alias} == {
        "walled-plugin-asker": f"{SENDER}:asker",
        "walled-plugin-audit-export": f"{SENDER}:audit-export",
    }


def test_the_egress_function_is_outside_of_the_network_and_may_write_its_log_alone(walled: Template) -> None:
    function = walled.named("Lambda::Function", "FunctionName")[SENDER]
    assert "VpcConfig" not in function
    assert function["Handler"] == "functions.egress.handler.handler"
    role = walled.resources[function["Role"]["Fn::GetAtt"][0]]["Properties"]
    (policy,) = role["Policies"]
    (logs,) = policy["PolicyDocument"]["Statement"]
    assert logs["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert "ManagedPolicyArns" not in role


def test_what_is_left_to_be_sent_later_is_tried_once_and_not_for_long(walled: Template) -> None:
    later = walled.of("Lambda::EventInvokeConfig").values()
    aliases = {name for name, alias in walled.of("Lambda::Alias").items() if alias["Name"] != "live"}
    for config in later:
        assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (0, 60)
    # CDK takes an alias's name off its ARN.
    assert {config["Qualifier"]["Fn::Select"][1]["Fn::Split"][1]["Ref"] for config in later} == aliases


def test_how_much_is_sent_at_once_is_what_the_deployment_says(walled: Template) -> None:
    assert walled.named("Lambda::Function", "FunctionName")[SENDER]["ReservedConcurrentExecutions"] == 20


def test_it_may_take_as_long_as_the_longest_of_who_call_it(walled: Template) -> None:
    functions = walled.named("Lambda::Function", "FunctionName")
    longest = max(f["Timeout"] for name, f in functions.items() if "-plugin-" in name)
    assert functions[SENDER]["Timeout"] == longest


def test_where_the_library_is_enough_there_is_no_network(assemblies: dict[str, Assembly]) -> None:
    stack = assemblies["test"].stack("stacktest-gateway")
    assert not stack.of("EC2::VPC")
    assert "stacktest-egress" not in stack.named("Lambda::Function", "FunctionName")


def test_a_secret_by_arn_is_refused_with_its_place_and_the_remedy(tmp_path: Path) -> None:
    text = CONFIGURATIONS["enforced"].read_text()
    arn = "arn:aws:secretsmanager:us-east-1:999999999999:secret:signing-AbCdEf"
    for name in ("plugins/asker", "../../examples/card_guard"):
        text = text.replace(f'"{name}"', f'"{(CONFIGURATIONS["enforced"].parent / name).resolve()}"')
    path = tmp_path / "gateway.toml"
    path.write_text(text.replace('"walled/signing"', f'"{arn}"'))
    chosen = chosen_configuration(str(path))
    with pytest.raises(
        ConfigurationError, match=r"gateway\.toml.*secrets.*by ARN.*Store it in the gateway's"
    ):
        _check_secrets(chosen, {"audit-export": []})
    _check_secrets(chosen, {"asker": []})
