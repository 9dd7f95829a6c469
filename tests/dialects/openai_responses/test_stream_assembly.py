from __future__ import annotations

import json

import pytest

from penstock.denial import Denial
from penstock.dialects.openai_responses.responses import response_of
from penstock.dialects.openai_responses.stream_assembly import Assembler, as_stream, checked, error_event
from penstock.errors import UpstreamError
from tests.dialects.openai_responses.streaming import assembled, events, kinds
from tests.fixtures.openai.response_streams import Stream, stream, streams

ALL = pytest.mark.parametrize("each", streams(), ids=str)


@ALL
def test_a_stream_adds_up_to_the_unary_answer(each: Stream) -> None:
    assert assembled(each.body).tree == each.unary


@ALL
def test_before_its_end_it_adds_up_to_what_was_said(each: Stream) -> None:
    assembler = Assembler()
    for event in events(each.body)[:-1]:
        assembler.add(event.tree)
    assert assembler.response().tree["output"] == each.unary["output"]
    assert assembler.response().tree["status"] == "in_progress"


@ALL
def test_an_answer_as_a_stream_adds_up_to_it(each: Stream) -> None:
    made = as_stream(response_of(each.unary))
    assert assembled(*made).tree == each.unary
    assert [event.tree["sequence_number"] for event in events(*made)] == list(range(len(made)))


@pytest.mark.parametrize("name", ["text", "calls", "incomplete"])
def test_an_answer_is_streamed_as_openai_does_it(name: str) -> None:
    """The same kinds of events, each text in one delta."""
    known = list(dict.fromkeys(kinds(stream(name).body)))
    assert list(dict.fromkeys(kinds(*as_stream(response_of(stream(name).unary))))) == known


def test_an_answer_whose_end_holds_no_output_is_what_was_said() -> None:
    assembler = Assembler()
    for event in events(stream("text").body):
        tree = json.loads(event.text)
        tree.get("response", {}).pop("output", None)
        assembler.add(tree)
    assert assembler.response().tree["output"] == stream("text").unary["output"]


def test_an_item_that_has_not_begun_is_malformed() -> None:
    with pytest.raises(UpstreamError, match="has not begun"):
        Assembler().add({"type": "response.output_text.delta", "output_index": 0})


def test_what_json_cannot_say_is_malformed() -> None:
    with pytest.raises(UpstreamError) as caught:
        checked({"x": float("inf")})
    assert caught.value.outcome == "malformed"


def test_an_error_is_what_clients_raise() -> None:
    denial = Denial("a.code", "Because.", 403, "plugin_blocked", reference="ref-1")
    [error] = events(error_event(denial, "0190", 7))
    assert {name: error.tree[name] for name in ("type", "code", "message", "sequence_number")} == {
        "type": "error",
        "code": "a.code",
        "message": "Because.",
        "sequence_number": 7,
    }
    assert error.tree["error"]["reference"] == "ref-1"
