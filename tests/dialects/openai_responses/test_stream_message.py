from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects.openai_responses.stream_event import StreamEvent
from penstock.dialects.openai_responses.stream_message import GuardedMessage
from penstock.errors import UpstreamError
from penstock.streams import Channel
from tests.dialects.openai_responses.streaming import FakeGuard

ITEM = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
TEXT = {"type": "output_text", "text": "", "annotations": []}
CHANNEL = Channel(4, "response.output_text", 0)


def event(kind: str, **more: Any) -> StreamEvent:
    return StreamEvent.of({"type": f"response.{kind}", "output_index": 0, "content_index": 0, **more})


def said(message: GuardedMessage, *came: StreamEvent) -> list[tuple[str, Any]]:
    """What leaves: each event's kind, and what it says."""
    left = [each for one in came for each in message.take(one)]
    names = ("delta", "text", "refusal", "part", "item", "annotation")
    return [(each.kind, next((each.tree[n] for n in names if n in each.tree), None)) for each in left]


def begun(guard: FakeGuard) -> GuardedMessage:
    message = GuardedMessage(guard, 4)
    said(message, event("output_item.added", item=ITEM), event("content_part.added", part=TEXT))
    return message


def test_a_text_leaves_as_the_guard_gives_it_and_its_ends_say_what_left() -> None:
    message = begun(FakeGuard(str.upper, 3))
    whole = {**TEXT, "text": "hello"}
    assert said(message, event("output_text.delta", delta="hello")) == [("response.output_text.delta", "HE")]
    assert said(message, event("output_text.done", text="hello")) == [
        ("response.output_text.delta", "LLO"),
        ("response.output_text.done", "HELLO"),
    ]
    shouted = {**TEXT, "text": "HELLO"}
    assert said(message, event("content_part.done", part=whole)) == [("response.content_part.done", shouted)]
    end = event("output_item.done", item={**ITEM, "content": [whole]})
    assert said(message, end) == [("response.output_item.done", {**ITEM, "content": [shouted]})]
    assert message.left == {**ITEM, "content": [shouted]}


def test_what_a_part_says_as_it_begins_is_a_delta() -> None:
    message = GuardedMessage(FakeGuard(str.upper), 4)
    left = said(message, event("content_part.added", part={**TEXT, "text": "hi"}))
    assert left == [("response.content_part.added", TEXT), ("response.output_text.delta", "HI")]


def test_its_texts_are_channels_of_the_item_as_it_leaves() -> None:
    message = begun(FakeGuard())
    assert list(message.channels) == [CHANNEL]
    [own] = message.own(message.channels[CHANNEL], "late")
    assert (own.tree["delta"], own.tree["item_id"], own.tree["content_index"]) == ("late", "msg_1", 0)
    assert list(message.own(message.channels[CHANNEL], "")) == []


def test_the_rest_of_its_texts_leaves_when_nothing_more_comes() -> None:
    message = begun(FakeGuard(held_chars=9))
    said(message, event("output_text.delta", delta="hello"))
    assert [each.tree["delta"] for each in message.rest()] == ["hello"]
    assert list(message.rest()) == []


@pytest.mark.parametrize(("change", "left"), [(str, ["cited", "plain"]), (str.upper, ["plain"])])
def test_citations_wait_for_the_end_of_their_text(change: Any, left: list[str]) -> None:
    message = begun(FakeGuard(lambda text: text if text in {"cited", "plain"} else change(text)))
    cited = {"type": "url_citation", "title": "cited", "url": "", "start_index": 0, "end_index": 2}
    plain = {"type": "url_citation", "title": "plain", "url": ""}
    came = [
        event("output_text.annotation.added", annotation_index=0, annotation=each) for each in (cited, plain)
    ]
    assert said(message, event("output_text.delta", delta="hi"), *came) == [
        ("response.output_text.delta", change("hi"))
    ]
    ended = said(message, event("output_text.done", text="hi"))
    assert [value["title"] for kind, value in ended if kind.endswith("annotation.added")] == left
    part = {**TEXT, "text": "hi", "annotations": [cited, plain]}
    [(_, filled)] = said(message, event("content_part.done", part=part))
    assert [each["title"] for each in filled["annotations"]] == left


def test_a_part_of_another_kind_is_seen_as_a_whole() -> None:
    guard = FakeGuard()
    message = GuardedMessage(guard, 0)
    other = {"type": "hologram", "depth": 3}
    said(message, event("output_item.added", item=ITEM), event("content_part.added", part=other))
    said(message, event("content_part.done", part=other))
    said(message, event("output_item.done", item={**ITEM, "content": [other]}))
    assert message.left["content"] == [other]
    assert len(guard.wholes) == 4


def test_members_that_nobody_knows_stay_with_their_part() -> None:
    message = begun(FakeGuard(str.upper))
    said(message, event("output_text.delta", delta="hi"))
    item = {**ITEM, "content": [{**TEXT, "text": "hi", "parsed": None, "n": 3}]}
    [*_, (_, left)] = said(message, event("output_item.done", item=item))
    assert left["content"] == [{**TEXT, "text": "HI", "parsed": None, "n": 3}]


def test_after_a_denial_nothing_leaves() -> None:
    message = begun(FakeGuard(blocked="jane"))
    assert said(message, event("output_text.delta", delta="jane")) == []
    assert said(message, event("output_text.done", text="jane")) == []


@pytest.mark.parametrize(
    "came",
    [
        event("refusal.delta", delta="x"),
        event("output_text.delta", delta=3),
        event("reasoning_text.delta", delta="x"),
        event("function_call_arguments.done", arguments="{}"),
        event("content_part.added", part=TEXT),
    ],
)
def test_what_belongs_to_no_such_message_is_malformed(came: StreamEvent) -> None:
    with pytest.raises(UpstreamError) as caught:
        said(begun(FakeGuard()), came)
    assert caught.value.outcome == "malformed"
