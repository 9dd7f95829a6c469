"""What holds of every stream that nobody guards."""

from __future__ import annotations

import pytest

from penstock.dialects.sse import MAX_EVENT_BYTES
from penstock.errors import UpstreamError
from tests.dialects.spoken import EVERY_STREAM, Spoken

LATE = (b": late\n\n", b"data: [DONE]\n\n", b"data: {\n\n", b'data: {"error":{"message":"x"}}\n\n')


@EVERY_STREAM
def test_a_stream_is_done_with_its_terminator_and_not_before(spoken: Spoken) -> None:
    passing = spoken.dialect.streaming()
    passing.feed(spoken.before("a", "b"))
    assert not passing.is_done
    passing.feed(spoken.end("ab"))
    assert passing.is_done


@EVERY_STREAM
@pytest.mark.parametrize("late", LATE, ids=range(len(LATE)))
def test_what_comes_after_the_terminator_never_leaves_however_it_is_cut(spoken: Spoken, late: bytes) -> None:
    whole = spoken.whole("a", "b")
    for pieces in (
        [whole + late],
        [whole, late],
        [whole[:-1], whole[-1:] + late],
        [whole + late[:9], late[9:]],
    ):
        passing = spoken.dialect.streaming()
        left = b"".join(map(passing.feed, pieces)) + passing.close()
        assert left + passing.ending == whole
        assert not passing.has_failed


@EVERY_STREAM
def test_nothing_after_the_terminator_makes_a_stream_fail(spoken: Spoken) -> None:
    passing = spoken.dialect.streaming()
    passing.feed(spoken.whole("a"))
    passing.feed(b"x" * (MAX_EVENT_BYTES + 1))
    passing.close()
    assert passing.is_done
    assert passing.usage is not None


@EVERY_STREAM
def test_a_stream_without_its_terminator_is_not_done(spoken: Spoken) -> None:
    passing = spoken.dialect.streaming()
    passing.feed(spoken.start + spoken.says("a"))
    with pytest.raises(UpstreamError, match="ended before"):
        passing.close()
    assert not passing.is_done
