from __future__ import annotations

from pathlib import Path
from typing import Any

from moto import mock_aws

from penstock.adapters.clients import Clients
from penstock.configuration.workflow import definition
from penstock.dev.workflows import create_machines, create_workflows
from penstock.sdk.steps import parse_steps
from tests.configuration import files
from tests.configuration.test_workflow import MACHINE
from tests.functions.plugin_host.test_stepping import GATEWAY


def test_each_plugin_with_a_workflow_has_a_machine_of_its_function_s_name(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        made = create_workflows(Clients(), files.compiled(GATEWAY, tmp_path).snapshot)
    (arn,) = made.values()
    assert list(made) == ["follow-up"]
    assert arn.endswith("-plugin-follow-up")


def test_the_machines_of_a_stack_are_made_as_they_are(monkeypatch: Any) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    text = definition(parse_steps('[[step]]\nname = "a"\nwait_s = 1', "workflow.toml"), MACHINE)
    with mock_aws():
        clients = Clients()
        create_machines(clients, {"d-plugin-gate": text})
        (found,) = clients.stepfunctions.list_state_machines()["stateMachines"]
        told = clients.stepfunctions.describe_state_machine(stateMachineArn=found["stateMachineArn"])
    assert (found["name"], told["definition"]) == ("d-plugin-gate", text)
