"""The gateway function: REST proxy events in, proxy responses out, and what is no event acknowledged."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from functions.gateway import handler as module
from penstock.gateway.http import HttpRequest, HttpResponse

FRONT_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 29_000


class Recorded:
    """A gateway that remembers what it got."""

    def __init__(self) -> None:
        self.seen: list[tuple[HttpRequest, float]] = []

    def handle(self, http: HttpRequest, remaining_s: Any) -> HttpResponse:
        self.seen.append((http, remaining_s()))
        return HttpResponse(403, {"x-request-id": "r1"}, "{“no”}".encode())


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    recorded = Recorded()
    monkeypatch.setattr(module, "gateway", lambda: recorded)
    return recorded


def event(**more: Any) -> dict[str, Any]:
    return {
        "httpMethod": "POST",
        "path": "/v1/chat/completions",
        "headers": {"Authorization": "Bearer k", "X-Request-Id": "mine"},
        "body": '{"a": "ü"}',
        "isBase64Encoded": False,
        "requestContext": {"identity": {"sourceIp": "192.0.2.1"}, "requestId": FRONT_ID},
    } | more


def test_an_event_becomes_a_request_and_the_response_a_proxy_response(gateway: Recorded) -> None:
    answer = module.handler(event(), Context())
    http, remaining_s = gateway.seen[0]
    assert http == HttpRequest(
        "POST",
        "/v1/chat/completions",
        {"authorization": "Bearer k", "x-request-id": "mine"},
        '{"a": "ü"}'.encode(),
        "192.0.2.1",
        FRONT_ID,
    )
    assert remaining_s == 29.0
    assert answer == {
        "statusCode": 403,
        "headers": {"x-request-id": "r1"},
        "body": "{“no”}",
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    ("given", "body"),
    [
        ({"body": base64.b64encode(b"\xff\x00raw").decode(), "isBase64Encoded": True}, b"\xff\x00raw"),
        ({"body": "not base64!", "isBase64Encoded": True}, b""),
        ({"body": None}, b""),
        ({"body": "", "headers": None}, b""),
        ({"body": "\ud800"}, b"\xed\xa0\x80"),
    ],
)
def test_every_way_in_which_api_gateway_gives_a_body_is_read(
    gateway: Recorded, given: dict[str, Any], body: bytes
) -> None:
    module.handler(event(**given), Context())
    assert gateway.seen[0][0].body == body


@pytest.mark.parametrize("odd", [{}, {"requestId": "x", "status": "completed"}, {"Records": []}])
def test_what_is_no_proxy_event_is_acknowledged_quietly(gateway: Recorded, odd: dict[str, Any]) -> None:
    assert module.handler(odd, Context()) == {}
    assert gateway.seen == []
