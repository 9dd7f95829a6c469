from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from penstock.dev.proxy_events import MalformedResponseError, Received, event_for, response_from

SAMPLE = json.loads((Path(__file__).parent / "samples" / "rest_proxy_event.json").read_text())
RECEIVED = Received(
    method="POST",
    target="/v1/chat/completions",
    protocol="HTTP/1.1",
    headers=(
        ("Host", "127.0.0.1:8080"),
        ("Accept", "application/json"),
        ("Content-Type", "application/json"),
        ("User-Agent", "OpenAI/Python"),
    ),
    body=b'{"model":"m","messages":[]}',
    source_ip="127.0.0.1",
    port=8080,
    request_id="019aaa00-0000-7000-8000-000000000001",
    received_at_ms=1_596_141_764_163,
)


def event(**changes: Any) -> dict[str, Any]:
    return event_for(dataclasses.replace(RECEIVED, **changes))


def shape(value: Any) -> Any:
    """Keys and types, without values."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    return [shape(value[0])] if isinstance(value, list) else type(value).__name__


def test_an_event_has_every_key_and_type_of_api_gateways_own() -> None:
    assert shape(event()) == shape(SAMPLE)


def test_an_event_says_the_same_as_api_gateways_of_the_same_request() -> None:
    ours, theirs = event(), SAMPLE
    for key in ("resource", "path", "httpMethod", "pathParameters", "body", "isBase64Encoded"):
        assert ours[key] == theirs[key]
    for key in ("requestTime", "requestTimeEpoch", "httpMethod", "resourcePath", "accountId", "protocol"):
        assert ours["requestContext"][key] == theirs["requestContext"][key]


def test_a_repeated_header_keeps_all_values_and_its_last_alone() -> None:
    got = event(headers=(("X-A", "1"), ("X-A", "2")))
    assert got["multiValueHeaders"]["X-A"] == ["1", "2"]
    assert got["headers"]["X-A"] == "2"


def test_a_repeated_query_parameter_keeps_all_values_and_its_last_alone() -> None:
    got = event(target="/v1/models?a=1&a=%C3%A4&b=")
    assert got["path"] == "/v1/models"
    assert got["multiValueQueryStringParameters"] == {"a": ["1", "ä"], "b": [""]}
    assert got["queryStringParameters"] == {"a": "ä", "b": ""}


def test_the_root_is_a_resource_of_its_own() -> None:
    got = event(target="/")
    assert (got["resource"], got["pathParameters"]) == ("/", None)


def test_a_body_of_bytes_or_with_an_encoding_travels_as_base64() -> None:
    for changes in ({"body": b"\xff\x00"}, {"headers": (("Content-Encoding", "gzip"),)}):
        got = event(**changes)
        assert got["isBase64Encoded"] is True
        assert base64.b64decode(got["body"]) == changes.get("body", RECEIVED.body)


def test_no_body_is_null() -> None:
    assert event(body=b"")["body"] is None


def test_hop_by_hop_headers_end_at_the_front() -> None:
    headers = (("Connection", "keep-alive, X-Mine"), ("Transfer-Encoding", "chunked"), ("X-Mine", "1"))
    assert set(event(headers=headers)["headers"]) == {
        "X-Amzn-Trace-Id",
        "X-Forwarded-For",
        "X-Forwarded-Port",
        "X-Forwarded-Proto",
    }


def response(**fields: Any) -> bytes:
    return json.dumps({"statusCode": 200} | fields).encode()


def test_a_response_of_text_is_sent_as_utf8() -> None:
    got = response_from(response(statusCode=403, body="ä", headers={"X-A": "1"}))
    assert (got.status, got.body, got.headers) == (403, "ä".encode(), (("X-A", "1"),))


def test_a_response_in_base64_is_sent_as_bytes() -> None:
    encoded = base64.b64encode(b"\xff\x00").decode()
    assert response_from(response(body=encoded, isBase64Encoded=True)).body == b"\xff\x00"


def test_both_kinds_of_headers_are_merged_and_a_pair_counts_once() -> None:
    got = response_from(
        response(
            multiValueHeaders={"Set-Cookie": ["a", "b"]}, headers={"Set-Cookie": "a", "X-N": 1, "X-B": True}
        )
    )
    assert got.headers == (("Set-Cookie", "a"), ("Set-Cookie", "b"), ("X-N", "1"), ("X-B", "true"))


def test_the_length_and_the_connection_are_the_fronts_own() -> None:
    headers = {"Content-Length": "5", "Connection": "close", "Transfer-Encoding": "chunked"}
    assert response_from(response(headers=headers)).headers == ()


@pytest.mark.parametrize(
    "payload",
    [
        b"not JSON",
        b"null",
        b'"text"',
        b"{}",
        response(extra=1),
        response(statusCode="abc"),
        response(statusCode=True),
        response(statusCode=99),
        response(body={"a": 1}),
        response(body="***", isBase64Encoded=True),
        response(body="\ud800"),
        response(headers=[]),
        response(headers={"X-A": None}),
        response(headers={"X-A": "1\r\nX-B: 2"}),
        response(headers={"X A": "1"}),
        response(multiValueHeaders={"X-A": "1"}),
    ],
)
def test_what_api_gateway_would_not_take_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedResponseError):
        response_from(payload)
