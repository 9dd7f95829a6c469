from __future__ import annotations

import base64
import json

import pytest

from penstock.runtime.streaming import DELIMITER, StreamedResponse, prelude, streamed


def test_a_prelude_is_json_and_eight_nul_bytes_and_nothing_else_holds_one() -> None:
    head = prelude(StreamedResponse(200, {"X-A": "\0é"}, iter(())))
    value, delimiter, rest = head.partition(DELIMITER)
    assert (delimiter, rest) == (b"\0" * 8, b"")
    assert b"\0" not in value
    assert json.loads(value) == {"statusCode": 200, "headers": {"X-A": "\0é"}}


def test_headers_with_several_values_are_kept_apart() -> None:
    head = prelude(StreamedResponse(200, {}, iter(()), {"Set-Cookie": ("a=1", "b=2")}))
    assert json.loads(head[:-8])["multiValueHeaders"] == {"Set-Cookie": ["a=1", "b=2"]}


def test_a_proxy_response_becomes_a_stream_of_its_body() -> None:
    response = streamed(
        {"statusCode": 201, "headers": {"A": "1"}, "multiValueHeaders": {"B": ["2"]}, "body": "é"}
    )
    assert (response.status, response.headers, response.repeated_headers) == (201, {"A": "1"}, {"B": ["2"]})
    assert list(response.chunks) == ["é".encode()]


@pytest.mark.parametrize("body", [None, ""])
def test_a_proxy_response_without_a_body_is_a_stream_of_nothing(body: str | None) -> None:
    assert b"".join(streamed({"statusCode": 204, "headers": None, "body": body}).chunks) == b""


def test_a_body_in_base64_is_decoded() -> None:
    response = {"statusCode": 200, "body": base64.b64encode(b"\xff").decode(), "isBase64Encoded": True}
    assert list(streamed(response).chunks) == [b"\xff"]


def test_a_body_that_is_not_the_base64_that_it_says_is_refused() -> None:
    with pytest.raises(ValueError, match="ASCII"):
        streamed({"statusCode": 200, "body": "é", "isBase64Encoded": True})
