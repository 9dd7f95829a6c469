from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects.anthropic.messages import MessagesResponse, response_of
from penstock.dialects.anthropic.stream_assembly import Assembler, as_stream, held_content
from penstock.dialects.anthropic.stream_block import GrowingBlock
from penstock.errors import UpstreamError
from tests.dialects.anthropic.streaming import assembled, events
from tests.fixtures.anthropic.catalogue import fixtures
from tests.fixtures.anthropic.streams import Stream, streams
from tests.fixtures.openai.catalogue import Fixture

ALL = pytest.mark.parametrize("each", streams(), ids=str)
MESSAGES = [each for each in fixtures() if b'"type":"message"' in each.response.replace(b": ", b":")]


@ALL
def test_a_stream_adds_up_to_the_message_of_the_list(each: Stream) -> None:
    assembler = Assembler()
    for event in events(each.body):
        assembler.add(event.tree)
    response = assembler.response()
    assert response.tree == each.unary
    assert [(part.kind, part.path) for part in response.unseen] == list(each.hidden)


@ALL
def test_a_stream_written_again_adds_up_to_the_same(each: Stream) -> None:
    again = as_stream(assembled(each.body))
    assert assembled(*again).tree == each.unary


@pytest.mark.parametrize("fixture", MESSAGES, ids=str)
def test_every_listed_message_is_itself_as_a_stream(fixture: Fixture) -> None:
    response = MessagesResponse.decode(fixture.response)
    assert assembled(*as_stream(response)).tree == response.tree


def test_a_message_as_a_stream_begins_with_nothing_said_and_ends_with_why() -> None:
    usage = {"input_tokens": 5, "output_tokens": 7, "service_tier": "standard"}
    whole = {"id": "msg_1", "type": "message", "content": [], "stop_reason": "end_turn", "usage": usage}
    start, end, stop = (event.tree for event in events(*as_stream(response_of(whole))))
    assert start["message"] == {**whole, "stop_reason": None, "usage": {**usage, "output_tokens": 0}}
    assert end == {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn"},
        "usage": {"output_tokens": 7, "input_tokens": 5},
    }
    assert stop == {"type": "message_stop"}


def add(*trees: dict[str, Any]) -> Assembler:
    assembler = Assembler()
    for tree in trees:
        assembler.add(tree)
    return assembler


BEGINS = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}


@pytest.mark.parametrize(
    "trees",
    [
        ({"type": "content_block_delta", "index": 0, "delta": {}},),
        (BEGINS, {"type": "content_block_delta", "index": 1, "delta": {}}),
        (BEGINS, {"type": "content_block_stop", "index": 0}, {"type": "content_block_stop", "index": 0}),
        (BEGINS, {"type": "content_block_delta", "index": [0], "delta": {}}),
    ],
)
def test_what_goes_on_with_nothing_is_the_upstreams_failure(trees: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(UpstreamError, match="has not begun, or has ended") as caught:
        add(*trees)
    assert caught.value.outcome == "malformed"


def test_blocks_that_grow_side_by_side_are_told_apart() -> None:
    def says(index: int, text: str) -> dict[str, Any]:
        delta = {"type": "text_delta", "text": text}
        return {"type": "content_block_delta", "index": index, "delta": delta}

    assembler = add(BEGINS, {**BEGINS, "index": 1}, says(1, "b"), says(0, "a"), says(1, "b"))
    assert [block["text"] for block in assembler.response().tree["content"]] == ["a", "bb"]


def test_what_cannot_be_said_in_json_is_the_upstreams_failure() -> None:
    tool = {"type": "content_block_start", "content_block": {"type": "tool_use", "input": {}}}
    for text in ('{"a":1e999}', "[" * 62 + "]" * 62):
        block = GrowingBlock(tool)
        block.add({"delta": {"type": "input_json_delta", "partial_json": text}})
        with pytest.raises(UpstreamError, match="out of range") as caught:
            held_content(block)
        assert caught.value.outcome == "malformed"


def test_what_an_upstream_says_of_its_failure_is_in_no_message() -> None:
    assembler = add({"type": "error", "error": {"message": "x"}}, {"type": "ping"}, {"type": "tomorrow"})
    assert assembler.response().tree == {"content": []}
