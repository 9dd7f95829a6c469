"""Answering a task that waits: what Step Functions hears, and what it would not hear any more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from penstock.adapters.clients import Clients
from penstock.adapters.task_tokens import MemoryTasks, StepFunctionsTasks
from penstock.errors import StorageError


class FakeStepFunctions:
    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.heard: list[tuple[str, Any]] = []

    def send_task_success(self, *, taskToken: str, output: str) -> None:  # noqa: N803  # as boto3 names them
        if self.error is not None:
            raise self.error
        self.heard.append((taskToken, json.loads(output)))


class FakeClients(Clients):
    """The part of them that is used."""

    def __init__(self, error: Exception | None = None) -> None:
        self.fake = FakeStepFunctions(error)

    @property
    def stepfunctions(self) -> Any:
        return self.fake


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "token AAAA"}}, "SendTaskSuccess")


def test_a_task_hears_its_outcome() -> None:
    clients = FakeClients()
    assert StepFunctionsTasks(clients).succeed("AAAA", "approved")
    assert clients.fake.heard == [("AAAA", {"outcome": "approved"})]


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_task_that_has_ended_hears_nothing(code: str) -> None:
    assert not StepFunctionsTasks(FakeClients(refused(code))).succeed("AAAA", "approved")


@pytest.mark.parametrize(
    "error", [refused("ThrottlingException"), EndpointConnectionError(endpoint_url="https://x")]
)
def test_a_service_that_does_not_answer_is_no_answer_and_repeats_no_token(error: Exception) -> None:
    with pytest.raises(StorageError) as raised:
        StepFunctionsTasks(FakeClients(error)).succeed("AAAA", "approved")
    assert "AAAA" not in str(raised.value)


def test_in_memory_a_task_hears_once() -> None:
    tasks = MemoryTasks()
    assert tasks.succeed("AAAA", "denied")
    assert not tasks.succeed("AAAA", "approved")
    assert tasks.heard == {"AAAA": "denied"}
