"""Events both ways: bytes stay bytes, a query keeps every value."""

from __future__ import annotations

import base64
from typing import Any

from functions.gateway.events import proxy_response, request_of
from penstock.gateway.http import HttpResponse
from penstock.runtime.streaming import streamed

BYTES = bytes(range(256))


def event(**more: Any) -> dict[str, Any]:
    return {"httpMethod": "POST", "path": "/v1/audio/transcriptions", "headers": None, "body": None} | more


def test_bytes_come_as_they_were_sent() -> None:
    encoded = base64.b64encode(BYTES).decode()
    assert request_of(event(body=encoded, isBase64Encoded=True)).body == BYTES


def test_bytes_go_as_they_came_from_the_upstream() -> None:
    answer = proxy_response(HttpResponse(200, {"content-type": "audio/mpeg"}, BYTES))
    assert answer["isBase64Encoded"] is True
    assert list(streamed(answer).chunks) == [BYTES]


def test_a_text_goes_as_text() -> None:
    answer = proxy_response(HttpResponse(200, {}, "„ja“".encode()))
    assert (answer["body"], answer["isBase64Encoded"]) == ("„ja“", False)


def test_each_value_of_a_query_is_kept() -> None:
    given = {"limit": ["2"], "include[]": ["a", "b&c=d"]}
    query = request_of(event(multiValueQueryStringParameters=given)).query
    assert query == (("limit", "2"), ("include[]", "a"), ("include[]", "b&c=d"))
    assert request_of(event()).query == ()
