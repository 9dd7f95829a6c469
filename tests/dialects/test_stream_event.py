from __future__ import annotations

import json

import pytest

from penstock.dialects.sse import Parser
from penstock.dialects.stream_event import as_object, kind_of, parsed, written
from penstock.errors import UpstreamError


def test_an_event_of_ours_is_named_as_its_kind_and_stands_in_one_line() -> None:
    tree = {"type": "ping", "x": "a\u2028b\nc"}
    [event] = Parser().feed(written(tree))
    assert (event.event, json.loads(event.data or "")) == ("ping", tree)
    assert len(written(tree).decode().splitlines()) == 3


@pytest.mark.parametrize("data", ["{", "[]", '{"a":1,"a":2}', '{"a":NaN}', '{"a":"\\ud83d"}'])
def test_what_is_no_strict_json_object_is_the_upstreams_failure(data: str) -> None:
    [event] = Parser().feed(f"data: {data}\n\n".encode())
    with pytest.raises(UpstreamError, match="strict JSON object") as caught:
        parsed(event, data)
    assert caught.value.outcome == "malformed"


def test_bytes_that_are_no_utf8_are_the_upstreams_failure() -> None:
    [event] = Parser().feed(b'data: {"a":"\xff"}\n\n')
    with pytest.raises(UpstreamError):
        parsed(event, event.data or "")
    [whole] = Parser().feed('data: {"a":"\ufffd"}\n\n'.encode())
    assert parsed(whole, whole.data or "") == {"a": "\ufffd"}


def test_an_event_that_a_stream_ended_inside_of_was_cut() -> None:
    parser = Parser()
    parser.feed(b'data: {"a":')
    [event] = parser.close()
    with pytest.raises(UpstreamError, match="inside of an event") as caught:
        parsed(event, event.data or "")
    assert caught.value.outcome == "cut"


def test_what_is_no_object_and_has_no_kind_is_empty() -> None:
    assert (as_object([1]), as_object({"a": 1})) == ({}, {"a": 1})
    assert (kind_of({}), kind_of({"type": 1}), kind_of({"type": "x"})) == ("", "", "x")
