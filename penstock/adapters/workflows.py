"""Step Functions: starts runs of plugins' workflows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Protocol

from penstock.adapters.clients import Clients
from penstock.adapters.failures import error_code, mapped
from penstock.sdk.workflow import Started

# StartExecution, Step Functions API reference: the name belonged to another run within 90 days.
_THERE: Final = "ExecutionAlreadyExists"


class Runs(Protocol):
    """Starts runs of one plugin's workflow. Raises StorageError when the service does not answer."""

    def start(self, started: Started, evidence_key: str) -> None:
        """Begin the run, unless one of its id has begun. `evidence_key`: of its request's record."""


class StepFunctionsRuns:
    """Runs in Step Functions. `machine`: ARN of the plugin's own state machine."""

    def __init__(self, clients: Clients, machine: str) -> None:
        self._clients = clients
        self._machine = machine

    def start(self, started: Started, evidence_key: str) -> None:
        from botocore.exceptions import ClientError

        told = json.dumps(begun(started, evidence_key), separators=(",", ":"))
        with mapped("start a workflow"):
            try:
                self._clients.stepfunctions.start_execution(
                    stateMachineArn=self._machine, name=started.run_id, input=told
                )
            except ClientError as error:
                if error_code(error) != _THERE:
                    raise


class MemoryRuns:
    """The same in memory, for tests: `begun` has the input of each run by its id."""

    def __init__(self) -> None:
        self.begun: dict[str, Mapping[str, Any]] = {}

    def start(self, started: Started, evidence_key: str) -> None:
        self.begun.setdefault(started.run_id, begun(started, evidence_key))


def create_machine(clients: Clients, name: str, definition: str) -> str:
    """Make the local gateway's machine `name`; its ARN. A role is named and never asked there."""
    with mapped("create a workflow"):
        made = clients.machines.create_state_machine(
            name=name, definition=definition, roleArn="arn:aws:iam::123456789012:role/local", type="STANDARD"
        )
    arn: str = made["stateMachineArn"]
    return arn


def begun(started: Started, evidence_key: str) -> dict[str, Any]:
    """With what a run begins: ids, and no outcomes yet (`penstock.configuration.workflow`)."""
    return {**started._asdict(), "evidence_key": evidence_key, "outcomes": {}}
