from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.dialects.openai_responses.stream_event import StreamEvent
from penstock.dialects.openai_responses.stream_losses import Losses
from tests.dialects.openai_responses.streaming import events
from tests.fixtures.openai.response_streams import Stream, stream, streams


def loses(whole: Any, *trees: dict[str, Any]) -> bool:
    losses = Losses()
    for tree in trees:
        losses.note(StreamEvent.of(tree))
    return losses.has(whole)


@pytest.mark.parametrize("each", [each for each in streams() if each.name != "sealed"], ids=str)
def test_a_stream_that_says_the_same_throughout_loses_nothing(each: Stream) -> None:
    assert not loses(each.unary, *(event.tree for event in events(each.body)))


def test_what_is_said_of_an_item_while_it_begins_must_be_in_it() -> None:
    each = stream("sealed")
    assert loses(each.unary, *(event.tree for event in events(each.body)))


DELTA = {"type": "response.function_call_arguments.delta", "output_index": 0}


@pytest.mark.parametrize(
    "tree",
    [
        {**DELTA, "delta": "jane"},
        {"type": "response.output_text.done", "text": "jane"},
        {"type": "response.output_item.added", "item": {"type": "message", "jane": "said"}},
        {"type": "response.output_item.added", "item": {"type": "message", "to jane": None}},
        {"type": "response.function_call_arguments.done", "arguments": '{"to":"jane"}'},
        {"type": "response.image_generation_call.partial_image", "partial_image_b64": "aaaa"},
        {
            "type": "response.output_item.added",
            "item": {"type": "tool_search_call", "arguments": {"n": 4e15}},
        },
        {"type": "response.dream", "said": "jane"},
        {"type": "response.output_text.delta", "delta": 4111111111111111},
    ],
)
def test_what_is_nowhere_else_is_lost(tree: dict[str, Any]) -> None:
    assert loses({"output": [{"arguments": "{}"}]}, tree)
    assert not loses({"output": [json.loads(json.dumps(tree)), "jane", "4111111111111111"]}, tree)


def test_fragments_are_one_text_for_each_place() -> None:
    first, second = ({**DELTA, "delta": piece} for piece in ('{"a', '":1}'))
    assert not loses({"arguments": '{"a":1}'}, first, second)
    assert loses({"arguments": '{"a":1}'}, second, first)
    elsewhere = {**second, "output_index": 1}
    assert loses({"arguments": '{"a":1}'}, first, elsewhere)


def test_what_says_nothing_is_no_loss() -> None:
    tokens = {"type": "response.web_search_call.searching", "item_id": "ws_1", "obfuscation": "xyz", "n": 3}
    assert not loses({}, tokens, {**DELTA, "delta": ""})
