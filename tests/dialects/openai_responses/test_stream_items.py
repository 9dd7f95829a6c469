from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects.openai_responses.stream_items import GrowingItem, begun, events_of
from penstock.errors import UpstreamError
from tests.dialects.openai_responses.streaming import events
from tests.fixtures.openai.response_streams import Stream, streams

ALL = pytest.mark.parametrize("each", streams(), ids=str)


def grown(item: dict[str, Any], *trees: dict[str, Any]) -> dict[str, Any]:
    growing = GrowingItem(item)
    for tree in trees:
        growing.add({"output_index": 0, **tree})
    return growing.whole()


@ALL
def test_an_item_s_events_add_up_to_it_without_its_end_too(each: Stream) -> None:
    items: dict[int, GrowingItem] = {}
    for event in events(each.body):
        index = event.tree.get("output_index")
        if event.kind == "response.output_item.added":
            items[event.tree["output_index"]] = GrowingItem(event.tree["item"])
        elif event.kind == "response.output_item.done":
            said = _texts(items[event.tree["output_index"]].whole())
            assert said <= _texts(event.tree["item"])
            items[event.tree["output_index"]].add(event.tree)
        elif isinstance(index, int):
            items[index].add(event.tree)
    assert [items[index].whole() for index in sorted(items)] == each.unary["output"]


def _texts(item: dict[str, Any]) -> set[str]:
    """What grows in an item."""
    parts = [*(item.get("content") or ()), *(item.get("summary") or ())]
    said = [part.get("text") or part.get("refusal") for part in parts]
    return {text for text in (*said, item.get("arguments"), item.get("input"), item.get("code")) if text}


@ALL
def test_an_item_written_as_events_adds_up_to_it(each: Stream) -> None:
    for index, item in enumerate(each.unary["output"]):
        added, *rest = events_of(item, index)
        assert {event["output_index"] for event in (added, *rest)} == {index}
        assert added["item"] == begun(item)
        assert grown(added["item"], *rest) == item
        without_end = grown(added["item"], *rest[:-1])
        assert _texts(without_end) == _texts(item)


def test_what_begins_an_item_says_nothing_of_what_it_grows_by() -> None:
    call = {"type": "function_call", "arguments": "{}", "status": "completed", "name": "f"}
    assert begun(call) == {**call, "arguments": "", "status": "in_progress"}
    thought = {"type": "reasoning", "summary": [{"text": "x"}]}
    assert begun(thought) == {"type": "reasoning", "summary": []}
    assert begun({"type": "dream", "x": 1}) == {"type": "dream", "x": 1}


def test_a_text_that_is_ended_is_what_its_end_says() -> None:
    delta = {"type": "response.function_call_arguments.delta", "delta": "{"}
    done = {"type": "response.function_call_arguments.done", "arguments": "{}"}
    assert grown({"arguments": ""}, delta)["arguments"] == "{"
    assert grown({"arguments": ""}, delta, done)["arguments"] == "{}"
    assert grown({}, {**delta, "delta": 3}) == {}


def test_parts_that_nobody_began_are_there_all_the_same() -> None:
    delta = {"type": "response.reasoning_text.delta", "content_index": 1, "delta": "x"}
    content = grown({"type": "reasoning"}, delta)["content"]
    assert content == [{"type": "reasoning_text"}, {"type": "reasoning_text", "text": "x"}]


def test_a_part_s_end_takes_the_place_of_its_text() -> None:
    delta = {"type": "response.output_text.delta", "content_index": 0, "delta": "x"}
    part = {"type": "output_text", "text": "y"}
    end = {"type": "response.content_part.done", "content_index": 0, "part": part}
    assert grown({"content": []}, delta, end)["content"] == [part]


@pytest.mark.parametrize("index", [None, "0", -1, 10**9])
def test_an_event_says_of_which_part_it_is(index: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        grown({}, {"type": "response.output_text.delta", "content_index": index, "delta": "x"})
    assert caught.value.outcome == "malformed"
