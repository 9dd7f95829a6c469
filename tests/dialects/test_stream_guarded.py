"""What holds of every stream under a guard."""

from __future__ import annotations

import pytest

from penstock.dialects.sse import MAX_EVENT_BYTES
from penstock.errors import UpstreamError
from tests.dialects.openai.streaming import FakeGuard
from tests.dialects.spoken import EVERY_STREAM, Spoken
from tests.dialects.test_stream_passing import LATE


@EVERY_STREAM
@pytest.mark.parametrize("late", LATE, ids=range(len(LATE)))
def test_a_stream_is_done_with_its_terminator_whatever_comes_after_it(spoken: Spoken, late: bytes) -> None:
    whole = spoken.whole("a", "b")
    for pieces in (
        [whole + late],
        [whole, late],
        [whole[:-1], whole[-1:] + late],
        [whole + late[:9], late[9:]],
    ):
        guarded = spoken.dialect.streaming(FakeGuard())
        left = b"".join(map(guarded.feed, pieces)) + guarded.close()
        assert (left + guarded.ending).count(b"data: ") == whole.count(b"data: ")
        assert b"late" not in left + guarded.ending
        assert (guarded.is_done, guarded.has_failed) == (True, False)


@EVERY_STREAM
def test_nothing_after_the_terminator_makes_a_stream_fail(spoken: Spoken) -> None:
    guarded = spoken.dialect.streaming(FakeGuard())
    guarded.feed(spoken.whole("a"))
    assert guarded.feed(b"x" * (MAX_EVENT_BYTES + 1)) == b""
    assert guarded.close() == b""


@EVERY_STREAM
def test_nothing_leaves_before_something_of_the_answer_may(spoken: Spoken) -> None:
    guarded = spoken.dialect.streaming(FakeGuard(held_chars=2))
    assert guarded.feed(spoken.start) == b""
    assert guarded.feed(spoken.says("ab")) == b""
    left = guarded.feed(spoken.says("c"))
    assert left.startswith(spoken.start)
    assert b'"a"' in left
    assert b'"b"' not in left


@EVERY_STREAM
def test_an_answer_that_is_stopped_early_has_not_begun(spoken: Spoken) -> None:
    guard = FakeGuard(held_chars=100, blocked="never")
    guarded = spoken.dialect.streaming(guard)
    assert guarded.feed(spoken.start + spoken.says("now") + spoken.says(" or never")) == b""
    assert guard.denial is not None
    assert (guarded.close(), guarded.ending) == (b"", b"")


@EVERY_STREAM
def test_an_answer_that_says_nothing_leaves_when_it_is_whole(spoken: Spoken) -> None:
    guarded = spoken.dialect.streaming(FakeGuard())
    left = guarded.feed(spoken.whole())
    left += guarded.close()
    assert (left + guarded.ending).count(b"data: ") == spoken.whole().count(b"data: ")


@EVERY_STREAM
def test_a_start_without_an_end_is_bounded(spoken: Spoken) -> None:
    guarded = spoken.dialect.streaming(FakeGuard(held_chars=100))
    ping = b'data: {"type":"ping","pad":"%s"}\n\n' % (b"." * (MAX_EVENT_BYTES // 2))
    guarded.feed(spoken.start)
    with pytest.raises(UpstreamError) as caught:
        list(map(guarded.feed, [ping] * 3))
    assert caught.value.outcome == "too_large"


@EVERY_STREAM
def test_a_failure_before_anything_left_is_raised_at_once(spoken: Spoken) -> None:
    guarded = spoken.dialect.streaming(FakeGuard(held_chars=100))
    with pytest.raises(UpstreamError, match="strict JSON"):
        guarded.feed(spoken.start + spoken.says("abc") + b"data: {\n\n")


@EVERY_STREAM
def test_what_came_before_a_failure_leaves_however_the_bytes_were_cut(spoken: Spoken) -> None:
    guarded = spoken.dialect.streaming(FakeGuard())
    assert guarded.feed(spoken.start + spoken.says("abc") + b"data: {\n\n") == spoken.start + spoken.says(
        "abc"
    )
    with pytest.raises(UpstreamError, match="strict JSON"):
        guarded.feed(spoken.says("d"))
