"""A workflow on the running gateway: tried again, killed and tried again, and one way or the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from penstock.dev.gateway import LocalGateway
from tests.e2e.conftest import EvidenceReader
from tests.e2e.stub import StubProvider
from tests.gateway.world import COMPLETION

WORDS = "words of a prompt"
RAISED = "not there yet"


@pytest.fixture
def provider(stub: StubProvider) -> Iterator[StubProvider]:
    before = stub.answer
    yield stub
    stub.answer = before


def ask(http: httpx.Client, model: str) -> str:
    body = {"model": model, "messages": [{"role": "user", "content": WORDS}]}
    return http.post("/v1/chat/completions", json=body).headers["x-request-id"]


def steps(evidence: EvidenceReader, request_id: str, count: int) -> list[dict[str, Any]]:
    """What each attempt at a step has left, in the order of the run; besides, one delivery started it."""
    found = evidence.of(request_id, "delivery", count=count + 1, within_s=90)
    made = [each for each in found if each["path"] == "workflow"]
    assert {each["request_id"] for each in made} == {request_id}
    assert len({each["run"] for each in made}) == 1  # it was started twice
    return sorted(made, key=lambda each: (len(each.get("outcomes", {})), each["attempt"]))


def told(steps: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    named = ("step", "attempt", "action", "failure", "outcome")
    return [tuple(each.get(name) for name in named) for each in steps]


def history(gateway: LocalGateway, request_id: str) -> str:
    """All that Step Functions remembers of a run."""
    (machine,) = (arn for name, arn in gateway.prepared.workflows.items() if name == "follow-up")
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{request_id}"
    return json.dumps(gateway.clients.machines.get_execution_history(executionArn=arn), default=str)


def test_a_step_that_fails_is_tried_again_and_a_request_that_ended_badly_goes_its_own_way(
    gateway: LocalGateway, http: httpx.Client, provider: StubProvider, evidence: EvidenceReader
) -> None:
    provider.answer = lambda _: (400, b"{}")
    request_id = ask(http, "stub-followed-slowly")
    made = steps(evidence, request_id, 3)
    assert told(made) == [
        ("look", 1, "fail", "exception", None),
        ("look", 2, "record", None, "badly"),
        ("settle", 1, "record", None, None),
    ]
    assert [each.get("recorded") for each in made[1:]] == [{"looked": 1}, {"settled": "badly"}]
    assert made[2]["outcomes"] == {"look": "badly"}
    remembered = history(gateway, request_id)
    assert '"name": "pause"' in remembered
    assert "StepFailedError" in remembered
    assert not [words for words in (WORDS, RAISED) if words in remembered + json.dumps(made)]


def test_a_step_whose_process_is_killed_leaves_no_record_and_runs_again(
    gateway: LocalGateway, http: httpx.Client, provider: StubProvider, evidence: EvidenceReader
) -> None:
    provider.answer = lambda _: (200, json.dumps(COMPLETION).encode())
    request_id = ask(http, "stub-followed-killed")
    made = steps(evidence, request_id, 2)
    assert told(made) == [("look", 2, "record", None, "well"), ("settle", 1, "record", None, None)]
    assert made[1]["recorded"] == {"settled": "well"}
    assert '"name": "pause"' not in history(gateway, request_id)
