from __future__ import annotations

import json
from typing import Any

import pytest

from infra.functions import LONGEST, POLICY_CHARACTERS, _characters, _check
from penstock.errors import ConfigurationError
from tests.infra.template import Template, plain

FUNCTIONS = {
    "stacktest-gateway": ("gateway", ["stacktest-in-process"]),
    "stacktest-recorder": ("recorder", []),
    "stacktest-sweeper": ("sweeper", []),
    "stacktest-sealer": ("sealer", []),
    "stacktest-plugin-audit-export": ("plugin_host", ["stacktest-plugin-audit-export"]),
    "stacktest-plugin-card-guard": ("plugin_host", ["stacktest-plugin-card-guard"]),
    "stacktest-plugin-keeper": ("plugin_host", ["stacktest-plugin-keeper"]),
    "stacktest-plugin-follow-up": ("plugin_host", ["stacktest-plugin-follow-up"]),
    "stacktest-plugin-approval-gate": ("plugin_host", ["stacktest-plugin-approval-gate"]),
    "stacktest-approvals": ("approvals", []),
}


def test_the_functions_are_those_that_the_local_gateway_starts(compute: Template) -> None:
    made = compute.named("Lambda::Function", "FunctionName")
    layers = {identity: layer["LayerName"] for identity, layer in compute.of("Lambda::LayerVersion").items()}
    found = {
        name: (
            function["Handler"].split(".")[1],
            [layers[layer["Ref"]] for layer in function.get("Layers", [])],
        )
        for name, function in made.items()
    }
    assert found == FUNCTIONS


def test_every_function_is_arm64_python_3_13_and_keeps_its_runtime_until_it_is_deployed(
    compute: Template,
) -> None:
    for function in compute.of("Lambda::Function").values():
        assert function["Architectures"] == ["arm64"]
        assert function["Runtime"] == "python3.13"
        assert function["RuntimeManagementConfig"] == {"UpdateRuntimeOn": "FunctionUpdate"}


def test_every_function_is_told_all_that_its_settings_ask_for(compute: Template) -> None:
    for name, function in compute.named("Lambda::Function", "FunctionName").items():
        variables = function["Environment"]["Variables"]
        assert variables["PENSTOCK_SNAPSHOT"] == "/var/task/snapshot.json", name
        assert plain(variables["PENSTOCK_EVIDENCE_BUCKET"]) == "stacktest-evidence-123456789012-eu-central-1"
        queues = "https://sqs.eu-central-1.amazonaws.com/123456789012"
        assert plain(variables["PENSTOCK_OUTBOX_URL"]) == f"{queues}/stacktest-outbox"
        assert plain(variables["PENSTOCK_PLUGIN_QUEUE_URL"]) == f"{queues}/stacktest-plugin-{{plugin}}"
        assert "AWS_REGION" not in variables, "Lambda refuses its own variables"
        assert len(json.dumps({key: plain(value) for key, value in variables.items()})) < 4096


def test_every_function_writes_into_its_own_log_group_which_is_encrypted_and_ends(compute: Template) -> None:
    groups = compute.of("Logs::LogGroup")
    named = {identity: group["LogGroupName"] for identity, group in groups.items()}
    for name, function in compute.named("Lambda::Function", "FunctionName").items():
        assert named[function["LoggingConfig"]["LogGroup"]["Ref"]] == f"/aws/lambda/{name}"
    for group in groups.values():
        assert group["RetentionInDays"] == 30
        assert "KmsKeyId" in group


class FakeStatement:
    """What is asked of CDK's PolicyStatement."""

    def __init__(self, resources: list[str]) -> None:
        self.resources = resources

    def to_json(self) -> dict[str, Any]:
        return {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": self.resources}


def test_a_role_that_would_not_fit_is_refused_with_the_remedy() -> None:
    resources = [f"arn:aws:sqs:eu-central-1:123456789012:d-plugin-{number}" for number in range(200)]
    statement = FakeStatement(resources)
    with pytest.raises(ConfigurationError, match=r"200 resources, more than fit\. Spread the plugins"):
        _check("d-recorder", [statement], {})
    assert POLICY_CHARACTERS == 10_240


def test_what_is_filled_in_later_counts_as_the_longest_that_could_stand_there() -> None:
    token = "${Token[AWS.Region.12]}"
    bare = _characters(FakeStatement(["x"]))
    assert _characters(FakeStatement([f"x{token}"])) == bare + len(LONGEST)


def test_an_environment_over_four_kilobytes_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="has 5001 bytes of 4096"):
        _check("d-gateway", [], {"A": "x" * 5000})
