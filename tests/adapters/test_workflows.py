from __future__ import annotations

import json

import pytest

from penstock.adapters.clients import Clients
from penstock.adapters.workflows import MemoryRuns, Runs, StepFunctionsRuns, create_machine
from penstock.errors import ConfigurationError, StorageError
from penstock.sdk.workflow import Started

NOTHING = json.dumps({"StartAt": "end", "States": {"end": {"Type": "Pass", "End": True}}})
STARTED = Started("mine", "q", "ref")


def test_a_run_is_started_with_ids_alone(clients: Clients) -> None:
    machine = create_machine(clients, "d-plugin-gate", NOTHING)
    StepFunctionsRuns(clients, machine).start(STARTED, "key")
    (found,) = clients.stepfunctions.list_executions(stateMachineArn=machine)["executions"]
    told = clients.stepfunctions.describe_execution(executionArn=found["executionArn"])["input"]
    assert found["name"] == "mine"
    assert json.loads(told) == {
        "run_id": "mine",
        "request_id": "q",
        "reference": "ref",
        "evidence_key": "key",
        "outcomes": {},
    }


@pytest.mark.parametrize("again", [STARTED, Started("mine", "another request", "")])
def test_who_starts_a_run_again_starts_nothing(clients: Clients, again: Started) -> None:
    machine = create_machine(clients, "d-plugin-gate", NOTHING)
    memory = MemoryRuns()
    both: tuple[Runs, ...] = (StepFunctionsRuns(clients, machine), memory)
    for runs in both:
        runs.start(STARTED, "key")
        runs.start(again, "key")
    assert len(clients.stepfunctions.list_executions(stateMachineArn=machine)["executions"]) == 1
    assert memory.begun["mine"]["request_id"] == "q"


def test_a_machine_that_is_not_there_is_no_silent_loss(clients: Clients) -> None:
    absent = "arn:aws:states:eu-central-1:123456789012:stateMachine:absent"
    with pytest.raises((StorageError, ConfigurationError)):
        StepFunctionsRuns(clients, absent).start(STARTED, "key")
