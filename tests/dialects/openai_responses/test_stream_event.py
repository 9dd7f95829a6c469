from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.dialects.openai_responses.echo import Echo
from penstock.dialects.openai_responses.stream_event import StreamEvent, as_list, index_of, is_error
from penstock.dialects.sse import Event, Parser
from penstock.dialects.stream_event import as_object, kind_of, written
from penstock.errors import UpstreamError
from penstock.sdk.edits import AddText, MemberEdit, Replace, SpanEdit
from tests.dialects.openai_responses.streaming import events

RAW = (
    b'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", "delta":"to jane"}\n\n'
)
TEXT = "response.text"


def event(raw: bytes) -> Event:
    return (Parser().feed(raw) or [Event(raw, None, raw.decode()[6:], is_complete=False)])[0]


def test_an_event_leaves_as_it_came_unless_it_is_edited() -> None:
    came = StreamEvent.decode(event(RAW))
    assert (came.kind, came.framed()) == ("response.output_text.delta", RAW)
    edited = came.edited([SpanEdit(TEXT, ((0, (Replace(3, 7, "<name>"),)),))])
    assert edited.framed() == RAW.replace(b"to jane", b"to <name>")


def test_an_event_without_its_last_blank_line_gets_one() -> None:
    parser = Parser()
    assert parser.feed(RAW[:-1]) == []
    (cut,) = parser.close()
    assert StreamEvent.decode(cut).framed() == RAW


def test_numbers_are_put_where_they_are_others() -> None:
    [came] = events(written({"type": "x", "sequence_number": 3, "output_index": 2}))
    assert came.numbered(3, 2) is came
    assert came.numbered(4).tree == {"type": "x", "sequence_number": 4, "output_index": 2}
    assert came.numbered(4, 0).tree["output_index"] == 0
    [bare] = events(written({"type": "x"}))
    assert bare.numbered(4, 0) is bare


def test_values_are_put_or_added_where_they_are_others() -> None:
    [came] = events(written({"type": "x", "part": {"text": "a"}}))
    assert came.having({("part", "text"): "a"}) is came
    changed = came.having({("part", "text"): "b", ("part", "logprobs"): [], ("delta",): "c"})
    assert changed.tree == {"type": "x", "part": {"text": "b", "logprobs": []}, "delta": "c"}


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"a":1,"a":2}', b'{"a":"\xff"}'])
def test_what_is_no_strict_object_is_malformed(data: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        StreamEvent.decode(event(b"data: " + data + b"\n\n"))
    assert caught.value.outcome == "malformed"


def test_a_stream_that_ends_inside_of_an_event_was_cut() -> None:
    with pytest.raises(UpstreamError) as caught:
        StreamEvent.decode(event(b'data: {"type"'))
    assert caught.value.outcome == "cut"


def test_what_the_answer_so_far_repeats_of_the_request_is_no_text() -> None:
    raw = written({"type": "response.created", "response": {"instructions": "Be kind.", "user": "u"}})
    for echo, expected in ((Echo(), ("Be kind.", "u")), (Echo({"i": "Be kind."}), ("u",))):
        came = StreamEvent.decode(event(raw), echo)
        assert came.texts(TEXT).texts == expected
        assert came.edited([]).texts(TEXT).texts == expected


def test_what_an_event_is() -> None:
    assert (kind_of({"type": 1}), kind_of({"type": "x"})) == ("", "x")
    assert is_error({"type": "error"})
    assert is_error({"error": {"message": "x"}})
    assert not is_error({"type": "response.failed", "error": None})
    assert (as_object([]), as_list({}), as_list([1])) == ({}, [], [1])
    assert StreamEvent.of({"type": "x", "a": "\u2028"}).tree == {"type": "x", "a": "\u2028"}


@pytest.mark.parametrize("tree", [{}, {"output_index": "0"}, {"output_index": -1}, {"output_index": True}])
def test_a_place_is_a_number(tree: Any) -> None:
    with pytest.raises(UpstreamError, match="output_index"):
        index_of(tree)


def test_what_an_event_cannot_do_is_said() -> None:
    [came] = events(RAW)
    with pytest.raises(ValueError, match="not replaced"):
        came.replaced("x")
    with pytest.raises(ValueError, match="no message"):
        came.edited([AddText(TEXT, "x")])
    with pytest.raises(ValueError, match="no members"):
        came.edited([MemberEdit(TEXT, "x", "y")])
    with pytest.raises(ValueError, match="no members"):
        came.members(TEXT)
    assert came.surface == "openai:responses.event"
    assert json.loads(came.without_field(TEXT).text)["delta"] == ""
