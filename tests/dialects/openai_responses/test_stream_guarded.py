from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.dialects.openai_responses.stream_guarded import GuardedStream
from penstock.dialects.splicing import Drop
from penstock.dialects.stream_event import written
from penstock.errors import UpstreamError
from penstock.streams import Channel
from tests.dialects.openai_responses.streaming import (
    DENIAL,
    FakeGuard,
    answer,
    assembled,
    byte_by_byte,
    edited,
    events,
    everything,
    guarded,
    in_two,
    kinds,
    without,
)
from tests.fixtures.openai.response_streams import Stream, stream, streams

ALL = pytest.mark.parametrize("each", streams(), ids=str)
HELD = pytest.mark.parametrize("held_chars", [0, 4, 1000])
# Where a stream says a thing twice and differently, or items at the same time, it is written anew.
WRITTEN_ANEW = {"sealed", "interleaved"}


def said(tree: Any) -> Any:
    """An answer without what points into texts: where an edit moves that to is not known in a stream."""
    return without(tree, "annotations")


@ALL
def test_where_a_guard_edits_nothing_and_holds_nothing_the_bytes_leave_that_came(each: Stream) -> None:
    left = guarded(each.body)
    assert assembled(left).tree == each.unary
    assert (left == answer(each.body)) == (each.name not in WRITTEN_ANEW)


@ALL
@HELD
def test_what_leaves_adds_up_to_the_unary_answer(each: Stream, held_chars: int) -> None:
    assert assembled(guarded(each.body, str, held_chars)).tree == each.unary


@ALL
@HELD
def test_what_a_guard_edits_adds_up_to_the_edited_unary_answer(each: Stream, held_chars: int) -> None:
    unary = edited(assembled(each.body), str.swapcase)
    left = assembled(guarded(each.body, str.swapcase, held_chars))
    assert said(left.tree) == said(unary.tree)


@ALL
@HELD
def test_nothing_that_leaves_holds_what_was_edited(each: Stream, held_chars: int) -> None:
    """Whatever event says it: a delta, its end, its part, its item, the whole answer."""
    left = guarded(each.body, lambda text: text.replace("j", "_").replace("J", "_"), held_chars)
    for event in events(left):
        assert "j" not in "".join(_texts(event.tree)).lower(), event.kind


def _texts(value: Any, name: str = "") -> list[str]:
    if isinstance(value, dict):
        return [text for key, inner in value.items() for text in _texts(inner, key)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner, name)]
    structural = {"type", "id", "item_id", "object", "obfuscation", "status", "role", "encrypted_content"}
    return [value] if isinstance(value, str) and name not in structural else []


@ALL
def test_events_are_numbered_without_a_gap(each: Stream) -> None:
    for left in (guarded(each.body, str, 1000), guarded(each.body, str.swapcase, 3)):
        numbers = [event.tree["sequence_number"] for event in events(left)]
        assert numbers == list(range(len(numbers)))


@ALL
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_it_leaves_the_same_wherever_it_is_cut(each: Stream, line_end: bytes) -> None:
    body = each.body.replace(b"\n", line_end)
    whole = guarded(body, str.swapcase, 5)
    assert everything(GuardedStream(FakeGuard(str.swapcase, 5)), *byte_by_byte(body)) == whole
    for pieces in in_two(body, 397):
        assert everything(GuardedStream(FakeGuard(str.swapcase, 5)), *pieces) == whole


def test_it_leaves_the_same_cut_at_many_places() -> None:
    body = stream("calls").body
    whole = guarded(body, str.swapcase, 5)
    for pieces in in_two(body, 53):
        assert everything(GuardedStream(FakeGuard(str.swapcase, 5)), *pieces) == whole


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(streams()), st.lists(st.integers(1, 400), max_size=40), st.integers(0, 40))
def test_it_leaves_the_same_in_any_pieces(each: Stream, sizes: list[int], held_chars: int) -> None:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(each.body[at : at + size])
        at += size
    cut = everything(GuardedStream(FakeGuard(str.swapcase, held_chars)), *pieces, each.body[at:])
    assert cut == guarded(each.body, str.swapcase, held_chars)


def test_the_whole_answer_waits_for_the_ending() -> None:
    guard = GuardedStream(FakeGuard(str.swapcase))
    left = guard.feed(stream("text").body) + guard.close()
    assert kinds(left)[-1] == "response.output_item.done"
    assert kinds(guard.ending) == ["response.completed"]


def test_a_block_in_a_text_ends_the_stream_and_nothing_says_it_later() -> None:
    guard = FakeGuard(held_chars=1000, blocked="doe@")
    guarded_stream = GuardedStream(guard)
    left = everything(guarded_stream, stream("text").body)
    assert guard.denial is DENIAL
    assert b"doe@" not in left
    assert guarded_stream.ending == b""
    [error] = events(guarded_stream.error(DENIAL, "0190"))
    assert error.tree["code"] == "test.word"


def test_a_block_in_a_call_stops_it_before_a_fragment_of_it_leaves() -> None:
    pieces = [piece + b"\n\n" for piece in stream("calls").body.split(b"\n\n")]
    left = everything(GuardedStream(FakeGuard(blocked="jane.doe@")), *pieces)
    assert b"Okay" in left
    assert b"fc_2a" not in left


def test_a_text_that_waited_leaves_in_a_delta_of_its_own() -> None:
    guard = FakeGuard(held_chars=1000)
    guarded_stream = GuardedStream(guard)
    body = stream("text").body
    guarded_stream.feed(body[: body.index(b"event: response.output_text.done")])
    guard.waiting = [(Channel(0, "response.output_text", 0), "Write")]
    *_begun, event = events(guarded_stream.due())
    assert (event.kind, event.tree["delta"], event.tree["item_id"]) == (
        "response.output_text.delta",
        "Write",
        "msg_1",
    )


def test_what_is_not_due_is_nothing() -> None:
    guard = FakeGuard()
    guard.waiting = [(Channel(7, "response.output_text", 0), "x")]
    assert GuardedStream(guard).due() == b""


def test_what_is_dropped_of_an_item_is_in_no_event() -> None:
    left = everything(GuardedStream(FakeGuard(drops=True)), stream("sealed").body)
    assert kinds(left).count("response.image_generation_call.partial_image") == 0
    assert b"encrypted_content" not in left
    assert b"iVBORw0KGgo" not in left
    output = assembled(left).tree["output"]
    assert [item["type"] for item in output] == ["image_generation_call", "reasoning", "message"]
    assert output[1]["summary"] == [{"type": "summary_text", "text": "Jane."}]


def test_an_item_that_leaves_not_at_all_moves_up_those_after_it() -> None:
    class Without(FakeGuard):
        def whole(self, content: Any) -> Any:
            is_call = [item.get("type") for item in content.tree.get("output", ())] == ["function_call"]
            return content.spliced([Drop(("output", 0))]) if is_call else super().whole(content)

    said = {**MESSAGE, "id": "m", "content": [{**TEXT, "text": "Hi"}]}
    ended = about("output_item.done", item=CALL) + begun({**MESSAGE, "id": "m"}, 1)
    body = CREATED + begun(CALL) + ended + about("output_item.done", 1, item=said) + completed(CALL, said)
    left = everything(GuardedStream(Without()), body)
    assert {event.tree.get("output_index", 0) for event in events(left)} == {0}
    assert assembled(left).tree["output"] == [said]


def begun(item: dict[str, Any], index: int = 0) -> bytes:
    return written({"type": "response.output_item.added", "output_index": index, "item": item})


def about(kind: str, index: int = 0, **more: Any) -> bytes:
    return written({"type": f"response.{kind}", "output_index": index, "item_id": "x", **more})


CREATED = written({"type": "response.created", "response": {"id": "r", "output": []}})
CALL = {"id": "x", "type": "function_call", "name": "f", "call_id": "c", "arguments": ""}
MESSAGE = {"id": "x", "type": "message", "role": "assistant", "content": []}
TEXT = {"type": "output_text", "text": "", "annotations": []}


def completed(*output: Any) -> bytes:
    return written({"type": "response.completed", "response": {"id": "r", "output": list(output)}})


def test_what_a_call_s_end_says_is_what_its_fragments_become() -> None:
    """A fragment that its end does not repeat has gone by no guard: it is not passed on."""
    whole = {**CALL, "arguments": '{"to":"x"}'}
    fragments = about("function_call_arguments.delta", delta='{"to":"jane"}')
    end = about("output_item.done", item=whole)
    left = guarded(CREATED + begun(CALL) + fragments + end + completed(whole))
    assert b"jane" not in left
    assert assembled(left).tree["output"] == [whole]


def test_what_a_text_s_end_says_is_what_its_deltas_said() -> None:
    said_again = {**TEXT, "text": "jane"}
    body = (
        *(CREATED, begun(MESSAGE), about("content_part.added", content_index=0, part=TEXT)),
        about("output_text.delta", content_index=0, delta="Hello"),
        about("output_text.done", content_index=0, text="jane"),
        about("content_part.done", content_index=0, part=said_again),
        about("output_item.done", item={**MESSAGE, "content": [said_again]}),
        completed({**MESSAGE, "content": [said_again]}),
    )
    left = guarded(b"".join(body))
    assert b"jane" not in left
    assert assembled(left).tree["output"][0]["content"] == [{**TEXT, "text": "Hello"}]


@pytest.mark.parametrize("end", ["output_text.done", "content_part.done", "output_item.done"])
def test_a_text_that_only_its_end_says_goes_by_the_guard(end: str) -> None:
    part = {**TEXT, "text": "Hello jane"}
    ends = {
        "output_text.done": about("output_text.done", content_index=0, text="Hello jane"),
        "content_part.done": about("content_part.done", content_index=0, part=part),
    }
    whole = {**MESSAGE, "content": [part]}
    body = (
        *(CREATED, begun(MESSAGE), about("content_part.added", content_index=0, part=TEXT)),
        about("output_text.delta", content_index=0, delta="Hello"),
        *(ends[end] for _ in (1,) if end in ends),
        about("output_item.done", item=whole),
        completed(whole),
    )
    left = assembled(guarded(b"".join(body), str.upper))
    assert left.tree["output"][0]["content"] == [{**TEXT, "text": "HELLO JANE"}]


def test_parts_and_items_of_which_nothing_was_said_before_go_by_the_guard() -> None:
    whole = {**MESSAGE, "content": [{**TEXT, "text": "Hello jane"}]}
    late = {"id": "y", "type": "function_call", "name": "f", "call_id": "c", "arguments": '{"to":"jane"}'}
    body = CREATED + begun(MESSAGE) + about("output_item.done", item=whole) + completed(whole, late)
    left = guarded(body, str.upper)
    assert b"jane" not in left
    output = assembled(left).tree["output"]
    assert output[0]["content"][0]["text"] == "HELLO JANE"
    assert output[1]["arguments"] == '{"to":"JANE"}'
    assert kinds(left).count("response.output_item.added") == 2


def test_items_that_nobody_ended_are_as_the_whole_answer_has_them() -> None:
    whole = {**CALL, "arguments": '{"to":"jane"}'}
    said = {**MESSAGE, "id": "m", "content": [{**TEXT, "text": "Hello jane"}]}
    message = {**MESSAGE, "id": "m"}
    part = about("content_part.added", 1, content_index=0, part=TEXT)
    text = about("output_text.delta", 1, content_index=0, delta="Hello ja")
    body = CREATED + begun(CALL) + begun(message, 1) + part + text + completed(whole, said)
    output = assembled(guarded(body, str.upper)).tree["output"]
    assert output[0]["arguments"] == '{"to":"JANE"}'
    assert output[1]["content"][0]["text"] == "HELLO JANE"


def test_logprobs_stay_with_a_text_that_left_as_it_came() -> None:
    body = stream("vllm").body
    same = assembled(guarded(body, str, 1000)).tree
    assert same["output"][1]["content"][0]["logprobs"]
    changed = assembled(guarded(body, str.swapcase)).tree
    assert changed["output"][1]["content"][0]["logprobs"] == []


def test_citations_with_a_place_go_when_their_text_is_edited_and_others_stay() -> None:
    body = stream("thoughts").body
    cited = [
        event.tree["annotation"]["type"]
        for event in events(guarded(body, lambda text: text.replace("jane", "<name>"), 1000))
        if event.kind == "response.output_text.annotation.added"
    ]
    assert cited == ["file_citation"]


@pytest.mark.parametrize(
    "body",
    [
        about("output_text.delta", content_index=0, delta="x"),
        begun(CALL) + begun(CALL),
        begun(MESSAGE) + about("output_text.delta", content_index=0, delta="x"),
        begun(MESSAGE) + about("function_call_arguments.delta", delta="x"),
        begun(MESSAGE)
        + about("content_part.added", content_index=0, part=TEXT)
        + about("content_part.added", content_index=0, part=TEXT),
        begun(MESSAGE)
        + about("content_part.added", content_index=0, part=TEXT)
        + about("output_text.delta", content_index=0, delta=4111111111111111),
        begun(CALL)
        + about("output_item.done", item=CALL)
        + about("function_call_arguments.delta", delta="jane"),
        written({"type": "response.output_item.added", "output_index": "jane", "item": CALL}),
        begun({"id": "r", "type": "reasoning", "summary": []})
        + about("reasoning_summary_part.added", summary_index=10**9, part={"type": "summary_text"}),
        b"data: {\n\n",
    ],
    ids=range(10),
)
def test_a_stream_that_says_things_where_they_cannot_be_is_the_upstreams_failure(body: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        everything(GuardedStream(FakeGuard()), body, b"data: {}\n\n")
    assert caught.value.outcome == "malformed"


def test_what_is_held_is_bounded() -> None:
    guarded_stream = GuardedStream(FakeGuard(), max_held_bytes=200)
    guarded_stream.feed(begun(CALL))
    with pytest.raises(UpstreamError) as caught:
        guarded_stream.feed(about("function_call_arguments.delta", delta="x" * 200))
    assert caught.value.outcome == "too_large"


def test_when_the_upstream_fails_what_a_text_said_leaves_and_half_a_call_does_not() -> None:
    failed = written({"type": "error", "code": "server_error", "message": "No, jane.", "param": None})
    for body, expected in (
        (begun(CALL) + about("function_call_arguments.delta", delta='{"to":"jane'), []),
        (
            begun(MESSAGE)
            + about("content_part.added", content_index=0, part=TEXT)
            + about("output_text.delta", content_index=0, delta="Hello"),
            ["response.output_item.added", "response.content_part.added", "response.output_text.delta"],
        ),
    ):
        guarded_stream = GuardedStream(FakeGuard(str.upper, 1000))
        left = everything(guarded_stream, CREATED + body + failed)
        assert kinds(left) == ["response.created", *expected, "error"]
        assert b"jane" not in left
        assert guarded_stream.has_failed


def test_comments_and_ids_do_not_leave() -> None:
    body = b": jane\n\nid: jane\n" + stream("text").body
    assert b"id: jane" not in guarded(body)
    assert b": jane\n\n" not in guarded(body)
