"""Hostile in-process plugins on the running gateway: each costs its record, at the worst its environment."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest
from openai import OpenAI

from penstock.dev.gateway import LocalGateway
from tests.e2e.conftest import EvidenceReader

DEADLINE_S = 0.2


def ask(http: httpx.Client, text: str) -> httpx.Response:
    body = {"model": "echo-hostile", "messages": [{"role": "user", "content": text}]}
    return http.post("/v1/chat/completions", json=body)


@pytest.mark.parametrize(
    ("wish", "failure"),
    [
        ("loop", "timeout"),
        ("sleep", "timeout"),
        ("backtrack", "timeout"),
        ("raise", "exception"),
        ("ungranted", "contract"),
        ("write", "contract"),
        ("rubbish", "contract"),
    ],
)
def test_harm_that_can_be_stopped_is_a_503_and_a_record(
    wish: str, failure: str, http: httpx.Client, evidence: EvidenceReader
) -> None:
    response = ask(http, wish)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "plugin_unavailable")
    (record,) = evidence.of(response.headers["x-request-id"])
    (placement,) = [p for p in record["placements"] if p["plugin"] == "hostile"]
    assert (placement["action"], placement["failure"]) == ("fail", failure)
    assert record.get("upstream", []) == []
    if failure == "timeout":
        assert DEADLINE_S * 1_000 <= placement["ms"] < 10_000  # of a minute; `make bench` measures it


@pytest.mark.parametrize("wish", ["swallow", "sort", "exit"])
def test_harm_that_cannot_be_stopped_costs_its_environment_and_no_more(
    wish: str, gateway: LocalGateway, http: httpx.Client, client: OpenAI, evidence: EvidenceReader
) -> None:
    before = set(evidence.stored())
    response = ask(http, wish)
    assert (response.status_code, response.json()["error"]["code"]) == (502, "environment_lost")
    assert response.headers["x-should-retry"] == "false"
    front_id = response.headers["x-request-id"]
    answer = client.chat.completions.create(
        model="echo", messages=[{"role": "user", "content": "still there?"}]
    )
    assert answer.choices[0].message.content
    assert front_id in _lost(evidence, before, front_id)
    if wish != "exit":
        assert "hostile" in _log(gateway)


def _lost(evidence: EvidenceReader, before: set[str], awaited: str) -> set[str]:
    """What callers hold of the requests that the sweeper has closed since `before`, once it has `awaited`."""
    found: set[str] = set()
    ends = time.monotonic() + 60
    while awaited not in found and time.monotonic() < ends:
        new = [key for key in evidence.stored() if key not in before and ".terminal." in key]
        unknown = [r for r in map(evidence.read, new) if r["outcome"] == "outcome_unknown"]
        assert {record["cause"] for record in unknown} <= {"environment_lost"}
        found = {record["front_request_id"] for record in unknown}
        time.sleep(0.2)
    return found


def _log(gateway: LocalGateway) -> str:
    return Path(gateway._options.logs / "gateway.log").read_text()
