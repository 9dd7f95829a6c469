from __future__ import annotations

import json

import pytest

from penstock.dialects.anthropic.stream_event import StreamEvent, as_index
from penstock.dialects.anthropic.stream_paths import EVENT
from penstock.dialects.sse import Parser
from penstock.dialects.stream_event import written
from penstock.errors import UpstreamError
from penstock.sdk.edits import AddText, MemberEdit
from penstock.sdk.views import Texts

RAW = (
    b'event: content_block_delta\r\ndata: {"index": 3, "type": "content_block_delta",\r\n'
    b'data: "delta": {"type":"text_delta","text":"jane"}}\r\n\r\n'
)


def decoded(raw: bytes) -> StreamEvent:
    parser = Parser()
    [event] = parser.feed(raw) + parser.close()
    return StreamEvent.decode(event)


def test_an_event_is_a_content_and_keeps_the_bytes_that_came() -> None:
    event = decoded(RAW)
    assert (event.surface, event.kind, event.delta["text"]) == (EVENT, "content_block_delta", "jane")
    assert event.framed() == RAW
    assert event.with_index(3) is event


def test_an_edited_event_keeps_its_name_and_its_line_ends() -> None:
    event = decoded(RAW)
    edit = Texts("response.text", event.texts("response.text").texts).sub("jane", "a\u2028b")
    framed = event.edited([edit]).with_index(0).framed()
    assert framed.startswith(b"event: content_block_delta\r\ndata: ")
    assert framed.endswith(b"\r\n\r\n")
    assert b"\\u2028" in framed
    again = decoded(framed)
    assert (again.tree["index"], again.delta["text"]) == (0, "a\u2028b")


def test_an_event_without_its_blank_line_leaves_with_one() -> None:
    assert decoded(b'data: {"type":"ping"}').framed() == b'data: {"type":"ping"}\n\n'


@pytest.mark.parametrize(
    ("raw", "outcome"),
    [
        (b"data: {\n\n", "malformed"),
        (b"data: {", "cut"),
        (b"data: [1]\n\n", "malformed"),
        (b'data: {"a":1,"a":2}\n\n', "malformed"),
        (b'data: {"a":"\xff"}\n\n', "malformed"),
        (b'data: {"a":"\\ud83d"}\n\n', "malformed"),
    ],
)
def test_what_is_no_event_is_the_upstreams_failure(raw: bytes, outcome: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        decoded(raw)
    assert caught.value.outcome == outcome


@pytest.mark.parametrize("index", [None, -1, "0", True, 1.0])
def test_a_block_has_a_number(index: object) -> None:
    with pytest.raises(UpstreamError, match="without a number"):
        as_index({"index": index})


def test_an_event_is_left_without_words_when_edits_took_them() -> None:
    empty = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": ""}}
    assert not decoded(written(empty)).is_left_without_words
    said = decoded(written({**empty, "delta": {"type": "text_delta", "text": "a"}}))
    assert said.with_text(("delta", "text"), "").is_left_without_words
    assert not said.with_text(("delta", "text"), "b").is_left_without_words


def test_what_makes_no_sense_of_one_event_is_refused() -> None:
    event = decoded(RAW)
    with pytest.raises(ValueError, match="not replaced"):
        event.replaced("x")
    with pytest.raises(ValueError, match="no members"):
        event.members("response.text")
    with pytest.raises(ValueError, match="no members"):
        event.edited([MemberEdit("response.text", "a", "b")])
    with pytest.raises(ValueError, match="no message"):
        event.edited([AddText("response.text", "a")])


def test_an_event_of_our_own_has_its_kind_as_its_name() -> None:
    raw = written({"type": "message_stop", "x": "\u2028"})
    assert raw.startswith(b"event: message_stop\ndata: {")
    assert json.loads(raw.split(b"data: ")[1]) == {"type": "message_stop", "x": "\u2028"}
