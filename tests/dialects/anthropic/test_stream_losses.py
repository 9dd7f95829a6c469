"""What a stream says and its message does not hold must not leave: a guard looked at the message."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any, Final

import pytest

from penstock.dialects.anthropic.stream_collecting import Collected
from penstock.dialects.anthropic.stream_guarded import GuardedStream
from penstock.dialects.anthropic.stream_losses import is_lost, is_off, says
from penstock.dialects.sse import Parser, encode
from penstock.dialects.stream_event import written
from penstock.errors import UpstreamError
from tests.dialects.anthropic.said import STOP
from tests.dialects.anthropic.streaming import FakeGuard, assembled, events, everything
from tests.fixtures.anthropic.streams import Stream, streams

ALL = pytest.mark.parametrize("each", streams(), ids=str)
PLANTED: Final = "alice@example.com"

Tree = dict[str, Any]
_SAID: Final[Tree] = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "c",
    "content": [],
    "stop_reason": None,
}
START: Final[Tree] = {
    "type": "message_start",
    "message": {**_SAID, "usage": {"input_tokens": 1, "output_tokens": 1, "service_tier": "standard"}},
}
BEGIN: Final[Tree] = {
    "type": "content_block_start",
    "index": 0,
    "content_block": {"type": "text", "text": ""},
}
END: Final[Tree] = {"type": "content_block_stop", "index": 0}
WHY: Final[Tree] = {
    "type": "message_delta",
    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
    "usage": {"output_tokens": 5},
}


def says_text(**more: Any) -> Tree:
    delta = {"type": "text_delta", "text": "x", **more}
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def collected(body: bytes) -> Collected:
    whole = Collected()
    whole.feed(body)
    whole.close()
    return whole


def stream_of(*said: Tree, before: tuple[Tree, ...] = (), after: tuple[Tree, ...] = ()) -> bytes:
    trees = (START, *before, BEGIN, says_text(), *said, END, *after, WHY)
    return b"".join(map(written, trees)) + STOP


def changed(tree: Tree, **more: Any) -> Tree:
    return {**tree, **more}


SAID_OF_THE_MESSAGE = {
    "again": (changed(START, message={**START["message"], "id": PLANTED}), START),
    "its content": ({"type": "message_start", "message": {"content": PLANTED}},),
    "no message": ({"type": "message_start", "message": PLANTED},),
    "a member": (changed(START, x=PLANTED),),
}
LOST = {
    "a ping's member": stream_of({"type": "ping", "x": PLANTED}),
    "a member's name": stream_of({"type": "ping", PLANTED: None}),
    "an unknown event": stream_of({"type": "vendor", "text": PLANTED}),
    **{
        f"message_start, {name}": stream_of(before=trees)[len(written(START)) :]
        for name, trees in SAID_OF_THE_MESSAGE.items()
    },
    "message_start twice": stream_of(before=(changed(START, message={"x": PLANTED}),)),
    "message_start late": stream_of(after=(changed(START, message={**START["message"], "id": PLANTED}),)),
    "content_block_stop's member": stream_of(after=(BEGIN | {"index": 1}, END | {"index": 1, "x": PLANTED})),
    "message_stop's member": stream_of()[: -len(STOP)] + written({"type": "message_stop", "x": PLANTED}),
    "stop_reason": stream_of(after=({"type": "message_delta", "delta": {"stop_reason": PLANTED}},)),
    "a token": stream_of(after=({"type": "message_delta", "delta": {"stop_reason": "alice"}},)),
    "delta member": stream_of(
        after=tuple({"type": "message_delta", "delta": {"x": value}} for value in (PLANTED, "a"))
    ),
    "delta member undone": stream_of(
        after=tuple({"type": "message_delta", "delta": {"x": value}} for value in (PLANTED, None))
    ),
    "member of message_delta": stream_of(
        after=tuple({"type": "message_delta", "x": {"y": value}} for value in (PLANTED, "a"))
    ),
    "content in a message_delta": stream_of(
        after=({"type": "message_delta", "delta": {"content": PLANTED}},)
    ),
    "content beside": stream_of(after=({"type": "message_delta", "content": PLANTED},)),
    "usage in a delta": stream_of(after=({"type": "message_delta", "delta": {"usage": PLANTED}},)),
    "no delta": stream_of(after=({"type": "message_delta", "delta": PLANTED},)),
    "no usage": stream_of(after=({"type": "message_delta", "usage": PLANTED},)),
    "usage": stream_of(
        after=tuple({"type": "message_delta", "usage": {"x": value}} for value in (PLANTED, "a"))
    ),
    "an event's name": stream_of()[: -len(STOP)] + encode('{"type":"ping"}', PLANTED[:5]) + STOP,
    "two names": stream_of()[: -len(STOP)] + b'event: alice\nevent: ping\ndata: {"type":"ping"}\n\n' + STOP,
    "a time to retry": stream_of()[: -len(STOP)]
    + b'event: ping\nretry: 491701234\ndata: {"type":"ping"}\n\n'
    + STOP,
    "text as digits": stream_of(says_text(text=4111111111111111)),
}
WORDS: Final = tuple(word.encode() for word in (PLANTED, "alice", "491701234", "4111111111111111"))


@pytest.mark.parametrize("body", LOST.values(), ids=LOST.keys())
def test_what_is_not_in_the_message_does_not_leave(body: bytes) -> None:
    whole = collected(body)
    response = whole.response()
    seen = response.encoded()
    left = whole.events(response)
    assert not [word for word in WORDS if word in left and word not in seen]
    assert assembled(left).tree["content"] == [*assembled(body).tree["content"]] or b"4111" in body


IN_MESSAGE = {
    "an event's member": stream_of(changed(says_text(), x=PLANTED)),
    "a delta's member": stream_of(says_text(x=PLANTED)),
    "a block's beginning, in a delta": stream_of(changed(says_text(), content_block=PLANTED)),
    "a delta, in a block's beginning": stream_of(
        after=(changed(BEGIN, index=1, delta=PLANTED), END | {"index": 1})
    ),
    "no text": stream_of(says_text(text={"a": PLANTED})),
    "a name beside": stream_of(says_text(**{PLANTED: 1})),
    "what a text began as": stream_of(
        after=(
            changed(BEGIN, index=1, content_block={"type": "text", "text": {"a": PLANTED}}),
            changed(says_text(), index=1),
            END | {"index": 1},
        )
    ),
    "what citations began as": stream_of(
        after=(
            changed(BEGIN, index=1, content_block={"type": "text", "text": "", "citations": PLANTED}),
            changed(says_text(), index=1, delta={"type": "citations_delta", "citation": {"x": "y"}}),
            END | {"index": 1},
        )
    ),
    "estimates": stream_of(
        after=(
            changed(BEGIN, index=1, content_block={"type": "thinking", "thinking": ""}),
            changed(
                says_text(),
                index=1,
                delta={"type": "thinking_delta", "thinking": "", "estimated_tokens": PLANTED},
            ),
            END | {"index": 1},
        )
    ),
    "deltas and beside": stream_of(
        after=(
            changed(BEGIN, index=1, content_block={"type": "text", "beside": PLANTED, "deltas": PLANTED}),
            changed(says_text(), index=1, x="y"),
            changed(says_text(), index=1, delta={"type": "x"}),
            END | {"index": 1},
        )
    ),
}


@pytest.mark.parametrize("body", IN_MESSAGE.values(), ids=IN_MESSAGE.keys())
def test_what_stands_beside_a_block_is_in_the_message_as_unseen(body: bytes) -> None:
    response = collected(body).response()
    assert PLANTED.encode() in response.encoded()
    assert response.unseen


def test_a_stream_of_which_all_is_in_the_message_leaves_as_it_came() -> None:
    plain = stream_of({"type": "ping"})
    whole = collected(plain)
    assert whole.events(whole.response()) == plain


@pytest.mark.parametrize("index", [1, 7])
def test_blocks_that_clients_number_otherwise_are_written_anew(index: int) -> None:
    """One finds the block that a delta adds to by its number, the next by its place."""
    begun = changed(START, message={**START["message"], "content": [{"type": "text", "text": "4111 1111 "}]})
    odd = [begun, changed(BEGIN, index=index), changed(says_text(), index=index), changed(END, index=index)]
    body = b"".join(map(written, [*odd, WHY])) + STOP
    whole = collected(body)
    left = whole.events(whole.response())
    assert (left == body) is (index == 1)
    assert assembled(left).tree == whole.response().tree
    again = written(START) + b"".join(map(written, [BEGIN, says_text(), END])) * 2 + written(WHY) + STOP
    twice = collected(again)
    assert [event.tree["index"] for event in events(twice.events(twice.response()))[1:-2]] == [0] * 3 + [
        1
    ] * 3


@pytest.mark.parametrize("tree", [{"x": PLANTED}, {"type": None}, {"type": ["ping"]}, {}])
def test_an_event_that_does_not_say_what_it_is_is_the_upstreams_failure_to_a_guard(tree: Tree) -> None:
    body = encode(json.dumps(tree), "ping")
    for stream in (Collected(), GuardedStream(FakeGuard())):
        with pytest.raises(UpstreamError, match="what it is") as caught:
            stream.feed(body)
        assert caught.value.outcome == "malformed"


def test_a_failure_in_the_words_of_openai_needs_no_type() -> None:
    body = encode('{"error":{"message":"x"}}')
    guarding = GuardedStream(FakeGuard())
    assert b'"error"' in guarding.feed(body)
    assert guarding.has_failed


@pytest.mark.parametrize(
    ("old", "new", "is_it"),
    [
        (None, "a", False),
        ("", "a", False),
        ("a", "a", False),
        ("a", "b", True),
        ("a", None, True),
        (1, 2, False),
        (True, None, False),
        (10**15, 5, True),
        ({"a": 1, "b": None}, {"a": 2, "b": {"c": 1}}, False),
        ({"a": 1}, {"b": 1}, True),
        ({"a": "x"}, {"a": "y"}, True),
        ([{"a": 1}], [{"a": 2}, "b"], False),
        (["a", "b"], ["a"], True),
        (["a"], "a", True),
        ([], None, False),
    ],
)
def test_what_takes_the_place_of_a_value_loses_what_it_does_not_say_itself(
    old: Any, new: Any, is_it: bool
) -> None:
    assert is_lost(old, new) is is_it


def test_short_numbers_and_nothing_say_nothing() -> None:
    assert not any(map(says, (None, True, 5, -5.5, "", {}, [])))
    assert all(map(says, ("a", 10**7, -1e9, {"a": None}, [None])))
    assert not is_off({"type": "ping"})
    assert is_off({"type": "tomorrow"})


def planted(tree: Any, word: Any) -> Iterator[Any]:
    """`tree` with `word` in the place of each value in it, and beside each member."""
    yield word
    if type(tree) is dict:
        yield {**tree, "odd": word}
        for name, value in tree.items():
            yield from ({**tree, name: new} for new in planted(value, word))
    elif type(tree) is list:
        yield [*tree, word]
        for at, value in enumerate(tree):
            yield from ([*tree[:at], new, *tree[at + 1 :]] for new in planted(value, word))


WORD: Final = "Quaxolotl"  # as a name or token would be


@ALL
def test_nothing_that_is_planted_in_any_event_leaves_unless_it_is_in_the_message(each: Stream) -> None:
    raws = [event.raw for event in Parser().feed(each.body) if event.data]
    trees = [event.tree for event in events(each.body)]
    left = 0
    for at, tree in random.Random(each.name).sample([*enumerate(trees)], min(12, len(trees))):
        for word in (WORD, {"a": WORD}, [WORD], [{"type": "text", "text": WORD}]):
            for odd in planted(tree, word):
                frame = encode(json.dumps(odd), str(tree["type"]))
                left += leaves(b"".join([*raws[:at], frame, *raws[at:]]))
                left += leaves(b"".join([*raws[:at], frame, *raws[at + 1 :]]))
    assert left > 0


def leaves(body: bytes) -> bool:
    """Whether a mutated stream leaves at all; never with more than a guard saw, in either way."""
    try:
        whole = collected(body)
        response = whole.response()
        sent = whole.events(response)
    except UpstreamError:
        return False
    assert WORD.encode() not in sent or WORD.encode() in response.encoded(), body
    return True


@ALL
def test_a_word_that_is_planted_under_a_window_has_been_shown_to_the_guard(each: Stream) -> None:
    raws = [event.raw for event in Parser().feed(each.body) if event.data]
    trees = [event.tree for event in events(each.body)]
    for at, tree in random.Random(each.name).sample([*enumerate(trees)], min(12, len(trees))):
        for word in (WORD, {"a": WORD}, [WORD], [{"type": "text", "text": WORD}]):
            for odd in planted(tree, word):
                frame = encode(json.dumps(odd), str(tree["type"]))
                shown(b"".join([*raws[:at], frame, *raws[at:]]))
                shown(b"".join([*raws[:at], frame, *raws[at + 1 :]]))


def shown(body: bytes) -> None:
    guard = FakeGuard()
    try:
        left = everything(GuardedStream(guard), body)
    except UpstreamError:
        return
    looked_at = [content for content in guard.wholes if WORD.encode() in content.encoded()]
    unseen = [content for content in guard.admitted if WORD in content.encoded().decode() and content.unseen]
    texts = [text for text in guard.seen.values() if WORD in text]
    assert WORD.encode() not in left or looked_at or unseen or texts, body


def test_a_text_beside_the_text_of_a_delta_is_two_readings_to_a_guard() -> None:
    message = {"content": [{"type": "text", "text": PLANTED}]}
    guarding = GuardedStream(FakeGuard())
    guarding.feed(written(START) + written(BEGIN))
    with pytest.raises(UpstreamError, match="beside") as caught:
        guarding.feed(written(changed(says_text(), message=message)))
    assert caught.value.outcome == "malformed"


@pytest.mark.parametrize(
    "body",
    [
        written(START) * 2,
        written(BEGIN) + written(END) + written(START),
        encode('{"type":"ping"}', "content_block_stop"),
        written(BEGIN) + written(says_text(text=4111)),
        written(changed(BEGIN, content_block={"type": "text", "text": 4111})),
        written(changed(BEGIN, content_block={"type": "thinking", "thinking": 4111}))
        + written(changed(says_text(), delta={"type": "thinking_delta", "thinking": "a"}))
        + written(END),
    ],
)
def test_what_clients_read_in_two_ways_is_the_upstreams_failure_to_a_guard(body: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        everything(GuardedStream(FakeGuard()), body + STOP)
    assert caught.value.outcome == "malformed"


def test_an_event_without_a_name_or_with_more_leaves_a_guard_with_its_own_and_no_more() -> None:
    """Anthropic's client skips an event that has no name, and others read it."""
    head = written(BEGIN)
    for odd in (b"", b"event: alice\nevent: content_block_delta\n", b"retry: 491701234\n"):
        guarding = GuardedStream(FakeGuard())
        sent = guarding.feed(head + odd + b"data: " + json.dumps(says_text()).encode() + b"\n\n")
        assert sent == head + encode(json.dumps(says_text()), "content_block_delta")
