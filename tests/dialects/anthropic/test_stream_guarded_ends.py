"""How guarded streams end before their time: denied, cut, malformed, failed."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects.anthropic.stream_guarded import GuardedStream
from penstock.dialects.stream_event import written
from penstock.errors import UpstreamError
from tests.dialects.anthropic.said import (
    END,
    START,
    STOP,
    begins,
    delta,
    stops,
    text,
    thinking,
    tool,
)
from tests.dialects.anthropic.streaming import (
    DENIAL,
    FakeGuard,
    everything,
    guarded,
)
from tests.fixtures.anthropic.streams import Stream, streams

ALL = pytest.mark.parametrize("each", streams(), ids=str)


@ALL
@pytest.mark.parametrize("blocked", ["Jane", "e", "x"])
def test_after_a_denial_nothing_leaves_and_what_has_left_is_a_prefix(each: Stream, blocked: str) -> None:
    guard = FakeGuard(str.swapcase, 2, blocked)
    guarding = GuardedStream(guard)
    sent = []
    for event in each.body.replace(b"\n\n", b"\n\n\0").split(b"\0"):
        was_denied = guard.denial is not None
        sent.append(guarding.feed(event))
        assert not (was_denied or guard.denial) or sent[-1] == b""
    sent.append(guarding.close())
    whole = guarded(each.body, str.swapcase, 2)
    assert whole.startswith(b"".join(sent))
    if guard.denial is not None:
        assert (guarding.close(), guarding.ending, guarding.due(), sent[-1]) == (b"", b"", b"", b"")
    assert guarding.error(DENIAL, "0").startswith(b'event: error\ndata: {"type": "error"')


def test_a_use_that_is_denied_never_leaves_nor_anything_with_it() -> None:
    guard = FakeGuard(blocked="jane")
    guarding = GuardedStream(guard)
    body = text("a") + tool('{"who":"ja', 'ne"}', index=1)
    assert guarding.feed(START + body[: -len(stops(1))]) == START + text("a")
    assert guarding.feed(stops(1) + text("b", index=2)) == b""
    assert guard.denial is DENIAL


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (begins({"type": "text", "text": ""}) + begins({"type": "text", "text": ""}, 1), "inside of another"),
        (delta("text_delta", text="a"), "has not begun"),
        (text("a") + delta("text_delta", text="b"), "has not begun, or has ended"),
        (stops(), "has not begun"),
        (begins({"type": "text", "text": ""}, index=-1), "without a number"),
        (begins({"type": "text", "text": ""}) + delta("thinking_delta", thinking="a"), "no text"),
        (tool("[" * 70 + "]" * 70), ""),
        (tool("{" + '"a":{' * 61 + "}" * 62), "too deep"),
        (tool('{"a":1e999}'), "out of range"),
        (b"data: {\n\n", "strict JSON"),
        (b"data: [1]\n\n", "strict JSON"),
    ],
)
def test_what_is_no_stream_of_messages_is_the_upstreams_failure(body: bytes, what: str) -> None:
    guarding = GuardedStream(FakeGuard())
    if not what:
        assert guarding.feed(body) == body
        return
    with pytest.raises(UpstreamError, match=what) as caught:
        [guarding.feed(piece) for piece in (body, STOP)]
    assert caught.value.outcome == "malformed"


def test_what_came_before_a_malformed_event_leaves_however_the_bytes_are_cut() -> None:
    guarding = GuardedStream(FakeGuard())
    assert guarding.feed(text("a") + b"data: {\n\n" + text("b", index=1)) == text("a")
    for step in (guarding.due, guarding.close, lambda: guarding.feed(STOP)):
        with pytest.raises(UpstreamError, match="strict JSON"):
            step()


@pytest.mark.parametrize(
    "body", [b"", START, START + text("a"), START + text("a") + END, START + text("a") + END + STOP[:-20]]
)
def test_a_stream_without_its_stop_was_cut(body: bytes) -> None:
    guarding = GuardedStream(FakeGuard(held_chars=100))
    guarding.feed(body)
    with pytest.raises(UpstreamError) as caught:
        guarding.close()
    assert caught.value.outcome == "cut"


def test_an_answer_that_ends_without_the_end_of_its_block_has_said_it_all() -> None:
    for body, expected in ((text("ab"), text("ab")), (tool('{"a":1}'), tool('{"a":1}'))):
        guarding = GuardedStream(FakeGuard(held_chars=9))
        assert (
            everything(guarding, START + body[: -len(stops())] + END + STOP) == START + expected + END + STOP
        )


def test_what_was_kept_leaves_when_the_answer_goes_on() -> None:
    guarding = GuardedStream(FakeGuard())
    assert guarding.feed(START + text("a") + END) == START + text("a")
    assert guarding.feed(text("b", index=1)) == END + text("b", index=1)
    assert everything(guarding, END + STOP) == END + STOP


@pytest.mark.parametrize(
    "failed", [{"type": "error", "error": {"type": "overloaded_error", "message": "jane"}}]
)
def test_an_upstream_that_fails_has_said_its_text_and_no_half_of_anything_else(
    failed: dict[str, Any],
) -> None:
    said = {"type": "error", "error": {"type": "overloaded_error", "message": "JANE"}}
    guarding = GuardedStream(FakeGuard(str.upper, held_chars=9))
    sent = guarding.feed(START + text("ab")[: -len(stops())] + written(failed))
    assert sent == START + begins({"type": "text", "text": ""}) + delta("text_delta", text="AB") + written(
        said
    )
    assert (guarding.has_failed, guarding.close(), guarding.ending) == (True, b"", b"")
    for half in (tool('{"a":1}'), thinking("ask")):
        guarding = GuardedStream(FakeGuard(str.upper))
        assert guarding.feed(START + half[: -len(stops())] + written(failed)) == START + written(said)


PING = written({"type": "ping"})


def test_what_says_nothing_waits_for_the_first_that_does() -> None:
    begun = START + begins({"type": "text", "text": ""}) + PING
    empty, said = delta("text_delta", text=""), delta("text_delta", text="a")
    guarding = GuardedStream(FakeGuard())
    assert guarding.feed(begun) + guarding.due() + guarding.feed(empty) == b""
    assert guarding.feed(said) == begun + empty + said
    assert guarding.feed(PING) == PING
    guarding = GuardedStream(FakeGuard(held_chars=2))
    assert guarding.feed(begun) + guarding.feed(said) == b""
    assert guarding.feed(stops()) == begun + said + stops()


def test_an_answer_that_is_stopped_before_it_says_anything_has_not_begun() -> None:
    for body in (text("jane"), tool('{"a":"jane"}')):
        guarding = GuardedStream(FakeGuard(held_chars=9, blocked="jane"))
        assert [guarding.feed(piece) for piece in (START, PING, body)] == [b"", b"", b""]
        assert guarding.close() + guarding.ending == b""
    guarding = GuardedStream(FakeGuard())
    with pytest.raises(UpstreamError, match="strict JSON"):
        guarding.feed(START + PING + b"data: {\n\n")


def test_an_answer_that_says_nothing_leaves_at_its_end() -> None:
    guarding = GuardedStream(FakeGuard())
    assert guarding.feed(START + PING + END + STOP) == b""
    assert (guarding.close(), guarding.ending) == (START + PING, END + STOP)


def test_what_waits_for_an_answer_that_never_begins_is_bounded() -> None:
    guarding = GuardedStream(FakeGuard(), max_held_bytes=500)
    with pytest.raises(UpstreamError, match="before its answer") as caught:
        [guarding.feed(PING) for _ in range(100)]
    assert caught.value.outcome == "too_large"
