"""What the client decides by itself; what it does on the wire is tested with a process of its own."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from typing import Any

import pytest
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient
from awslambdaric.lambda_runtime_exception import FaultException

from penstock.runtime.client import (
    LAST_WORDS_MS,
    StreamingMarshaller,
    StreamingRuntimeClient,
    may_be_proxy_event,
)
from penstock.runtime.relaying import Opened
from penstock.runtime.streaming import CONTENT_TYPE, StreamedResponse

BUFFERED = {"statusCode": 200, "body": "x"}


@pytest.mark.parametrize("stream_always", [False, True])
def test_a_streamed_response_is_opened_on_every_route(stream_always: bool) -> None:
    response = StreamedResponse(200, {}, iter([b"a", b"b"]))
    answer, content_type = StreamingMarshaller(stream_always=stream_always).marshal_response(response)
    assert isinstance(answer, Opened)
    assert (answer.first, content_type) == (b"a", CONTENT_TYPE)


def test_a_proxy_response_is_opened_only_where_the_route_streams() -> None:
    answer, content_type = StreamingMarshaller(stream_always=False).marshal_response(BUFFERED)
    assert (json.loads(answer), content_type) == (BUFFERED, "application/json")
    answer, _ = StreamingMarshaller(stream_always=True).marshal_response(BUFFERED)
    assert isinstance(answer, Opened)


@pytest.mark.parametrize("value", [{}, None, [1], "text", {"batchItemFailures": []}])
def test_what_is_no_proxy_response_stays_as_it_is(value: Any) -> None:
    answer, _ = StreamingMarshaller(stream_always=True).marshal_response(value)
    assert json.loads(answer) == value


def test_a_stream_that_breaks_at_once_is_a_fault_without_content() -> None:
    def chunks() -> Iterator[bytes]:
        yield bytes(int("a word of the conversation"))

    with pytest.raises(FaultException) as raised:
        StreamingMarshaller(stream_always=False).marshal_response(StreamedResponse(200, {}, chunks()))
    assert raised.value.exception_type == "ValueError"
    assert "conversation" not in raised.value.msg + "".join(raised.value.trace)


def test_an_event_of_api_gateway_is_known_by_its_method() -> None:
    assert may_be_proxy_event(b'{"path":"/","httpMethod":"POST"}')
    assert not may_be_proxy_event(b'{"Records":[]}')


def test_a_caller_may_be_waited_for_until_the_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    class Request:
        deadline_time_in_ms = 100_000
        event_body = b"{}"

    monkeypatch.setattr(LambdaRuntimeClient, "wait_next_invocation", lambda _: Request())
    client = StreamingRuntimeClient("127.0.0.1:1", now_ms=lambda: 90_000)
    client.wait_next_invocation()
    assert client._left_s() == (10_000 - LAST_WORDS_MS) / 1000


def test_garbage_is_collected_again_from_the_first_invocation_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Request:
        deadline_time_in_ms = 100_000
        event_body = b"{}"

    monkeypatch.setattr(LambdaRuntimeClient, "wait_next_invocation", lambda _: Request())
    gc.disable()
    try:
        StreamingRuntimeClient("127.0.0.1:1").wait_next_invocation()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        gc.enable()
