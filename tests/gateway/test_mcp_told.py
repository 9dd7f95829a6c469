"""A refusal reaches every request at a status that its client reads."""

from __future__ import annotations

import json

import pytest

from penstock.denial import Denial
from penstock.errors import PenstockError, RequestError, UpstreamError
from penstock.gateway.mcp_posted import read_posted
from penstock.gateway.mcp_told import Told
from tests.dialects.mcp import bodies
from tests.gateway.mcp_world import ACCEPT, STATELESS, batch

BLOCK = Denial("guard.card", "A card.", 403, "plugin_blocked")
HEADERS = {"content-type": "application/json", "accept": ACCEPT}
MODERN = HEADERS | {name.replace("_", "-"): value for name, value in STATELESS.items()}


def status(why: Denial | PenstockError, body: bytes, headers: dict[str, str]) -> int:
    return Told(read_posted(headers, body)).render(why, "r").status


@pytest.mark.parametrize(
    ("why", "session", "stateless"),
    [
        (BLOCK, 200, 200),
        (Denial("mcp_tool_not_allowed", "No.", 403, "invalid_request"), 200, 403),
        (UpstreamError("It is down."), 200, 502),
        (RequestError("No.", code="mcp_session_not_found", status=404), 404, 404),
        (RequestError("No.", code="mcp_header_mismatch"), 400, 400),
    ],
)
def test_inside_of_a_session_an_error_is_no_end_of_the_connection(
    why: Denial | PenstockError, session: int, stateless: int
) -> None:
    assert status(why, bodies.call(), HEADERS) == session
    assert status(why, bodies.stateless_call(), MODERN) == stateless


def test_who_expects_no_answer_is_told_by_the_status() -> None:
    assert status(BLOCK, bodies.notification("notifications/cancelled", requestId=1), HEADERS) == 403
    assert status(BLOCK, bodies.result(1), HEADERS) == 403


def test_each_request_of_a_batch_gets_its_own() -> None:
    posted = read_posted(HEADERS, batch(bodies.request("ping", 1), bodies.call("search", 2)))
    told = json.loads(Told(posted).render(BLOCK, "r").body)
    assert [each["id"] for each in told] == [1, 2]
    assert ["error" in each for each in told] == [True, False]
