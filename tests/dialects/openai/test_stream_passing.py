from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.denial import Denial
from penstock.dialects.openai.stream_passing import PassingStream
from penstock.dialects.openai.stream_progress import Progress
from penstock.dialects.sse import encode
from penstock.errors import UpstreamError
from penstock.evidence.record import Usage
from tests.dialects.openai.streaming import byte_by_byte, chunks, everything, in_two
from tests.fixtures.openai.streams import Stream, stream, streams

ALL = pytest.mark.parametrize("each", streams(), ids=str)
DONE = encode("[DONE]")
ODD = (
    *(b"data: {\n\n", b"data: [1]\n\n", b"data: null\n\n", b'data: {"a":NaN}\n\n', b"data: \xff\n\n"),
    *(b'data: {"a":"\\ud83d"}\n\n', b"event: x\n\n", b"data\n\n", b'data: {"a":1,"a":2}\n\n', b"id: 7\n\n"),
    *(b"data: " + b"[" * 100_000 + b"\n\n", b'data: {"choices":[null,7]}\n\n', b": \xf0\x9f\n\n"),
)


def says(text: str = "x", reason: str | None = None, index: int = 0, **members: Any) -> bytes:
    choice = {"index": index, "delta": {"content": text} if text else {}, "finish_reason": reason}
    return encode(json.dumps({"id": "c", "choices": [choice], **members}))


def usage(**members: Any) -> bytes:
    return encode(json.dumps({"choices": [], "usage": {"prompt_tokens": 3}, **members}))


@ALL
def test_what_leaves_is_what_came_cut_in_two_anywhere_or_byte_by_byte(each: Stream) -> None:
    for line_end in (b"\n", b"\r\n", b"\r"):
        body = each.body.replace(b"\n", line_end)
        assert everything(PassingStream(), *byte_by_byte(body)) == body
    for pieces in in_two(each.body):
        assert everything(PassingStream(), *pieces) == each.body


@ALL
@pytest.mark.parametrize("lost", range(1, 4))
def test_a_stream_without_its_last_line_ends_is_passed_without_them(each: Stream, lost: int) -> None:
    body = each.body.rstrip(b"\n") + b"\n\n"[: 2 - lost]
    assert everything(PassingStream(), body) == body


@given(st.data())
def test_random_cuts_change_nothing(data: st.DataObject) -> None:
    each = data.draw(st.sampled_from(streams()))
    line_end = data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    body = each.body.replace(b"\n", line_end)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert everything(PassingStream(), *pieces) == body


@ALL
def test_an_event_leaves_as_soon_as_it_is_whole_unless_it_could_be_the_end(each: Stream) -> None:
    events = each.body.replace(b"\n\n", b"\n\n\0").split(b"\0")
    passing = PassingStream()
    left = [passing.feed(event) for event in events]
    said = [event for event in events if b"finish_reason" not in event and b"DONE" not in event]
    assert all(event in (b"", *left) for event in said if b'"usage"' not in event and b": bye" not in event)


@ALL
def test_nothing_before_the_ending_can_be_taken_for_the_whole(each: Stream) -> None:
    passing = PassingStream()
    before = passing.feed(each.body) + passing.close()
    progress = Progress()
    for chunk in chunks(before):
        progress.read(chunk.tree)
    if each.name != "reason_with_every_delta" and not passing.has_failed:
        assert not progress.has_ended
    assert b"[DONE]" not in before
    assert (b"[DONE]" in each.body) == (b"[DONE]" in passing.ending)


def test_the_ending_begins_with_the_end_of_the_last_open_choice() -> None:
    passing = PassingStream()
    head = says("a", index=0) + says("b", index=1) + says("", "stop", index=1)
    tail = says("!", "stop", index=0) + b": bye\n\n" + encode('{"x_vendor":1}') + usage() + DONE
    assert passing.feed(head + tail) == head
    assert (passing.close(), passing.ending) == (b"", tail)


@pytest.mark.parametrize("more", [says("b", index=1), says("b", index=0), says("b", "stop", index=0)])
def test_what_was_kept_leaves_before_what_is_said_after_it(more: bytes) -> None:
    passing = PassingStream()
    kept = says("a", "stop") + usage() + b": note\n\n"
    assert passing.feed(kept) == b""
    left = passing.feed(more)
    assert (left + passing.ending) == kept + more
    assert (left == kept) == (b'"stop"' in more)


def test_what_says_nothing_after_the_end_of_every_choice_waits_with_it() -> None:
    passing = PassingStream()
    filters = encode('{"choices":[{"index":0,"finish_reason":null,"content_filter_results":{}}]}')
    role = encode('{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}')
    tail = says("", "stop") + filters + role
    assert passing.feed(says("a") + tail) == says("a")
    assert (passing.close(), passing.ending) == (b"", tail)


def test_a_stream_without_done_is_whole_when_every_choice_has_ended() -> None:
    body = says("a") + says("b", "stop", index=1) + says("", "length")
    assert everything(PassingStream(), body) == body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b": ping\n\n",
        usage(),
        says("a"),
        says("a", "stop") + says("b", index=1),
        says("a", "stop") + says("b"),
        says("a", ""),
        b"data: {\n\n",
        says("a") + says("", "stop")[:-9],
    ],
)
def test_a_stream_that_ends_before_its_answer_was_cut(body: bytes) -> None:
    passing = PassingStream()
    passing.feed(body)
    with pytest.raises(UpstreamError, match="ended before") as caught:
        passing.close()
    assert caught.value.outcome == "cut"


@pytest.mark.parametrize("body", [DONE, says("a") + DONE, usage() + DONE, says("a") + b"data:  [DONE] "])
def test_done_makes_a_stream_whole_whatever_came_before_it(body: bytes) -> None:
    assert everything(PassingStream(), body) == body


def test_after_done_nothing_is_read_and_nothing_leaves() -> None:
    passing = PassingStream()
    late = says("late") + usage() + encode('{"error":"x"}')
    assert passing.feed(says("a") + DONE + late) == says("a")
    assert passing.feed(late) == b""
    assert passing.close() + passing.ending == DONE
    assert (passing.usage, passing.has_failed) == (None, False)


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_what_no_strict_reader_takes_passes_as_it_came_and_says_nothing(odd: bytes) -> None:
    passing = PassingStream()
    assert passing.feed(odd + says("a")) == odd + says("a")
    assert passing.feed(says("", "stop") + odd + DONE) == b""
    assert passing.close() + passing.ending == says("", "stop") + odd + DONE
    assert (passing.usage, passing.has_failed) == (None, False)


def test_json_that_python_reads_and_strict_readers_do_not_is_read_all_the_same() -> None:
    odd = b'data: {"x":NaN,"choices":[{"delta":{"content":"\\ud83d"},"finish_reason":"stop"}],"x":1}\n\n'
    passing = PassingStream()
    assert passing.feed(odd) == b""
    assert (passing.close(), passing.ending) == (b"", odd)


@pytest.mark.parametrize(
    "error", [{"error": {"message": "x"}}, {"error": "x"}, {"object": "error", "message": "x"}]
)
def test_an_upstream_that_fails_in_mid_stream_says_so_itself(error: dict[str, Any]) -> None:
    passing = PassingStream()
    failed = encode(json.dumps(error))
    states = [(passing.feed(event), passing.has_failed) for event in (says("a"), failed)]
    assert states == [(says("a"), False), (failed, True)]
    assert (passing.close(), passing.ending) == (b"", b"")


def test_a_failure_is_not_kept_even_when_it_ends_the_choice_too() -> None:
    passing = PassingStream()
    failed = says("", "error", error={"message": "x"})
    assert passing.feed(says("a", "stop", index=1) + failed) == says("a", "stop", index=1) + failed
    assert passing.feed(DONE) == b""
    assert (passing.close(), passing.ending) == (b"", DONE)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (says(), None),
        (usage(), Usage(3, 0, 0, 0)),
        (usage() + says(usage={"prompt_tokens": 9, "completion_tokens": 1}), Usage(9, 1, 0, 0)),
        (usage() + says(usage=None), Usage(3, 0, 0, 0)),
        (says(usage={"prompt_tokens": -1}), Usage(0, 0, 0, 0)),
        (stream("groq").body, Usage(24, 1, 0, 0)),
        (stream("choices_in_turn").body, Usage(4, 4, 0, 0)),
    ],
)
def test_the_last_usage_is_known(body: bytes, expected: Usage | None) -> None:
    passing = PassingStream()
    passing.feed(body)
    assert passing.usage == expected


def test_a_usage_chunk_that_the_caller_did_not_ask_for_is_read_and_not_sent() -> None:
    passing = PassingStream(hide_usage=True)
    last = says("", "stop", usage={"prompt_tokens": 9})
    kept = encode('{"choices":[],"x_vendor":1,"usage":null}')
    failed = usage(error={"message": "x"})
    assert passing.feed(says("a") + last + usage() + kept + DONE) == says("a")
    assert passing.close() + passing.ending == last + kept + DONE
    assert passing.usage == Usage(3, 0, 0, 0)
    assert PassingStream(hide_usage=True).feed(failed) == failed


@pytest.mark.parametrize("more", [b": ping\n\n", usage(), b"data: x\n\n"])
def test_what_is_kept_for_the_ending_is_bounded(more: bytes) -> None:
    passing = PassingStream(max_kept_bytes=1000)
    passing.feed(says("", "stop"))
    with pytest.raises(UpstreamError, match="1000 bytes after the end") as caught:
        [passing.feed(more) for _ in range(1000)]
    assert caught.value.outcome == "too_large"


def test_nothing_is_held_while_an_answer_goes_on() -> None:
    passing = PassingStream(max_kept_bytes=200)
    for _ in range(500):
        assert passing.feed(says("x" * 50, "stop")) in {b"", says("x" * 50, "stop")}


def test_nothing_waits_for_its_time() -> None:
    passing = PassingStream()
    passing.feed(says("", "stop"))
    assert passing.due() == b""


def test_an_error_of_the_gateway_stands_in_an_event_of_its_own() -> None:
    denial = Denial("upstream_error", "It ended early.", 502, "invalid_request")
    passing = PassingStream()
    passing.feed(b"data: {")
    assert passing.error(denial, "0").startswith(b'data: {"error": {"message": "It ended early."')
    failed = encode('{"error":"x"}').rstrip()
    passing = PassingStream()
    passing.feed(failed)
    assert passing.close() == failed
    assert passing.error(denial, "0").startswith(b"\n\ndata: {")


def test_what_was_kept_for_the_end_leaves_before_a_choice_that_begins_without_a_word() -> None:
    ends = says("", "stop")
    begins = says("", index=1)
    stream = PassingStream()
    assert stream.feed(says("b") + ends + begins) == says("b") + ends + begins
