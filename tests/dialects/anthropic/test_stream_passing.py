from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.denial import Denial
from penstock.dialects.anthropic.stream_passing import PassingStream
from penstock.dialects.anthropic.stream_progress import Progress
from penstock.dialects.stream_event import written
from penstock.errors import UpstreamError
from penstock.evidence.record import Usage
from tests.dialects.anthropic.streaming import byte_by_byte, events, everything, in_two
from tests.fixtures.anthropic.streams import Stream, streams

ALL = pytest.mark.parametrize("each", streams(), ids=str)
START = written({"type": "message_start", "message": {"content": [], "usage": {"input_tokens": 3}}})
SAYS = written({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}})
END = written({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}})
STOP = written({"type": "message_stop"})
PING = written({"type": "ping"})
FAILED = written({"type": "error", "error": {"type": "overloaded_error", "message": "x"}})
ODD = (
    *(b"data: {\n\n", b"data: [1]\n\n", b"data: null\n\n", b'data: {"a":NaN}\n\n', b"data: \xff\n\n"),
    *(b'data: {"a":"\\ud83d"}\n\n', b"event: x\n\n", b"data\n\n", b'data: {"a":1,"a":2}\n\n', b"id: 7\n\n"),
    *(b"data: " + b"[" * 100_000 + b"\n\n", b'data: {"type":7}\n\n', b": \xf0\x9f\n\n"),
)


@ALL
def test_what_leaves_is_what_came_cut_in_two_anywhere_or_byte_by_byte(each: Stream) -> None:
    for line_end in (b"\n", b"\r\n", b"\r"):
        body = each.body.replace(b"\n", line_end)
        assert everything(PassingStream(), *byte_by_byte(body)) == body
    for pieces in in_two(each.body):
        assert everything(PassingStream(), *pieces) == each.body


@given(st.data())
def test_random_cuts_change_nothing(data: st.DataObject) -> None:
    each = data.draw(st.sampled_from(streams()))
    line_end = data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    body = each.body.replace(b"\n", line_end)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert everything(PassingStream(), *pieces) == body


@ALL
def test_an_event_leaves_as_soon_as_it_is_whole_unless_it_is_of_the_end(each: Stream) -> None:
    passing = PassingStream()
    for event in each.body.replace(b"\n\n", b"\n\n\0").split(b"\0"):
        left = passing.feed(event)
        assert left == (b"" if b"message_delta" in event or b"message_stop" in event else event)


@ALL
def test_nothing_before_the_ending_can_be_taken_for_the_whole(each: Stream) -> None:
    passing = PassingStream()
    before = passing.feed(each.body) + passing.close()
    progress = Progress()
    for event in events(before):
        progress.read(event.tree)
    assert not progress.has_ended
    assert passing.ending.startswith(b"event: message_delta")
    assert passing.ending.rstrip().endswith(b"}")


def test_what_was_kept_leaves_before_what_is_said_after_it() -> None:
    passing = PassingStream()
    assert passing.feed(START + END + PING) == START
    assert passing.feed(SAYS) == END + PING + SAYS
    assert passing.feed(END + PING + STOP) == b""
    assert (passing.close(), passing.ending) == (b"", END + PING + STOP)


@pytest.mark.parametrize("body", [b"", PING, START, START + SAYS + END, START + END + STOP[:-9]])
def test_a_stream_without_its_stop_was_cut(body: bytes) -> None:
    passing = PassingStream()
    passing.feed(body)
    with pytest.raises(UpstreamError, match="ended before") as caught:
        passing.close()
    assert caught.value.outcome == "cut"


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_what_no_strict_reader_takes_passes_as_it_came_and_says_nothing(odd: bytes) -> None:
    passing = PassingStream()
    assert passing.feed(odd + SAYS) == odd + SAYS
    assert passing.feed(END + odd + STOP) == b""
    assert passing.close() + passing.ending == END + odd + STOP
    assert (passing.usage, passing.has_failed) == (Usage(0, 1, 0, 0), False)


def test_an_upstream_that_fails_in_mid_stream_says_so_itself() -> None:
    passing = PassingStream()
    assert passing.feed(START + SAYS + FAILED) == START + SAYS + FAILED
    assert (passing.has_failed, passing.close(), passing.ending) == (True, b"", b"")
    late = PassingStream()
    assert late.feed(START + END + FAILED) == START + END + FAILED


def test_tokens_are_known_as_they_come() -> None:
    passing = PassingStream()
    passing.feed(START)
    before = passing.usage
    passing.feed(END)
    assert (before, passing.usage) == (Usage(3, 0, 0, 0), Usage(3, 1, 0, 0))


@pytest.mark.parametrize("more", [b": ping\n\n", PING, b"data: x\n\n"])
def test_what_is_kept_for_the_ending_is_bounded(more: bytes) -> None:
    passing = PassingStream(max_kept_bytes=1000)
    passing.feed(END)
    with pytest.raises(UpstreamError, match="1000 bytes after the end") as caught:
        [passing.feed(more) for _ in range(1000)]
    assert caught.value.outcome == "too_large"


def test_an_error_of_the_gateway_stands_in_an_event_of_its_own() -> None:
    denial = Denial("upstream_error", "It ended early.", 502, "invalid_request")
    passing = PassingStream()
    assert passing.feed(b"data: {") + passing.due() == b""
    assert passing.error(denial, "0").startswith(b'event: error\ndata: {"type": "error", "error": {')
    passing = PassingStream()
    passing.feed(FAILED.rstrip())
    assert passing.close() == FAILED.rstrip()
    assert passing.error(denial, "0").startswith(b"\n\nevent: error")
