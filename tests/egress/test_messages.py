from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from penstock.egress.messages import (
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_TIMEOUT_S,
    Failure,
    MalformedError,
    decode_answer,
    decode_request,
    encode_failure,
    encode_request,
    encode_response,
)

URL = "https://siem.example.com:8443/in?a=%20b"
TIMEOUT = {"connect": 2.0, "read": 10.0, "write": None, "pool": 10.0}


def event(**changed: Any) -> dict[str, Any]:
    request = httpx.Request("POST", URL, content=b"\x00\xff", extensions={"timeout": TIMEOUT})
    tree: dict[str, Any] = json.loads(encode_request(request))
    return tree | changed


def test_a_request_crosses_whole() -> None:
    sent = httpx.Request(
        "POST", URL, content=b"\x00\xff", headers=[(b"x-a", b"1"), (b"x-a", b"2"), (b"x-b", "é".encode())],
        extensions={"timeout": TIMEOUT, "sni_hostname": "evil.example.com"},
    )  # fmt: skip
    found = decode_request(json.loads(encode_request(sent)))
    assert (found.method, str(found.url), found.content) == ("POST", URL, b"\x00\xff")
    assert found.headers.raw == sent.headers.raw
    assert found.extensions == {"timeout": {**TIMEOUT, "write": MAX_TIMEOUT_S}}


def test_a_response_crosses_whole() -> None:
    headers = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=\xe9")]
    raw = json.dumps(encode_response(202, headers, b"\x00\xff")).encode()
    assert decode_answer(raw) == (202, headers, b"\x00\xff")


@pytest.mark.parametrize("failure", Failure)
def test_every_failure_crosses(failure: Failure) -> None:
    assert decode_answer(json.dumps(encode_failure(failure)).encode()) is failure


@pytest.mark.parametrize(
    "headers",
    [
        [["x-a", "1\r\nx-injected: 2"]],
        [["x-a", "1\n"]],
        [["x-a\r\nx-b", "1"]],
        [["x a", "1"]],
        [["", "1"]],
        [["x-é", "1"]],
        [["x-a", "\x00"]],
        [["x-a", "\u0100"]],
        [["x-a", 1]],
        [["x-a"]],
        {"x-a": "1"},
        [["x-a", "1"]] * (MAX_HEADERS + 1),
        [["x-a", "1" * MAX_HEADER_BYTES]],
    ],
)
def test_a_header_that_would_write_another_line_or_is_none_is_refused(headers: Any) -> None:
    with pytest.raises(MalformedError):
        decode_request(event(headers=headers))


@pytest.mark.parametrize(
    "url",
    [
        "https://siem.example.com/\r\nx: y",
        "https://siem.example.com/ x",
        "https://siem.example.com/" + "a" * 9000,
        "https://bücher.example/",
        None,
        5,
    ],
)
def test_an_address_that_is_none_is_refused(url: Any) -> None:
    with pytest.raises(MalformedError):
        decode_request(event(url=url))


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "get", "GET / HTTP/1.1\r\nx: y", "", None])
def test_only_methods_that_send_and_ask_pass(method: Any) -> None:
    with pytest.raises(MalformedError):
        decode_request(event(method=method))


@pytest.mark.parametrize(
    "changed",
    [
        {"alias": "another-plugin"},
        {"invoked_function_arn": "arn:aws:lambda:eu-central-1:123456789012:function:d-egress:other"},
        {"body": "?"},
        {"body": base64.b64encode(b"x" * (MAX_BODY_BYTES + 9)).decode()},
        {"timeout": {**TIMEOUT, "read": float("nan")}},
        {"timeout": {**TIMEOUT, "read": -1}},
        {"timeout": {**TIMEOUT, "read": True}},
        {"timeout": {**TIMEOUT, "more": 1}},
    ],
)
def test_what_is_more_or_other_than_a_request_is_refused(changed: dict[str, Any]) -> None:
    decode_request(event())
    with pytest.raises(MalformedError):
        decode_request(event(**changed))


@pytest.mark.parametrize("found", [None, [], "x", {}, {"Records": []}])
def test_an_event_of_another_kind_is_refused(found: Any) -> None:
    with pytest.raises(MalformedError):
        decode_request(found)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b'{"failure":"another"}',
        b'{"failure":"timeout","status":200}',
        b'{"status":true,"headers":[],"body":""}',
        b'{"status":20,"headers":[],"body":""}',
        b'{"status":200,"headers":[["a","b\\r\\nc"]],"body":""}',
        b'{"status":200,"headers":[],"body":"","more":1}',
    ],
)
def test_an_answer_that_is_none_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_answer(raw)


def test_the_longest_wait_is_bounded_whatever_is_asked() -> None:
    found = decode_request(event(timeout=dict.fromkeys(("connect", "read", "write", "pool"), 1e8)))
    assert set(found.extensions["timeout"].values()) == {MAX_TIMEOUT_S}
