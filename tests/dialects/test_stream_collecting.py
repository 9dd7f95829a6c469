"""What holds of every stream that is taken in whole."""

from __future__ import annotations

import pytest

from penstock.dialects.sse import MAX_EVENT_BYTES
from penstock.errors import UpstreamError
from tests.dialects.spoken import EVERY_STREAM, Spoken


@EVERY_STREAM
def test_the_answer_ends_with_the_terminator(spoken: Spoken) -> None:
    collected = spoken.dialect.collecting()
    late = spoken.says("late") + b'data: {"error":{"message":"x"}}\n\ndata: {\n\n'
    states: list[bool] = []
    for piece in (spoken.before("a", "b"), spoken.end("ab") + late):
        collected.feed(piece)
        states.append(collected.is_done)
    assert states == [False, True]
    collected.feed(b"x" * (MAX_EVENT_BYTES + 1))
    collected.close()
    assert collected.response().texts("response.text").texts == ("ab",)
    assert collected.events(collected.response()) == spoken.whole("a", "b")
    assert not collected.has_failed


@EVERY_STREAM
def test_the_response_is_the_same_until_more_is_fed(spoken: Spoken) -> None:
    collected = spoken.dialect.collecting()
    collected.feed(spoken.start + spoken.says("a"))
    first = collected.response()
    assert collected.response() is first
    collected.feed(spoken.says("b"))
    assert collected.response().texts("response.text").texts == ("ab",)


@EVERY_STREAM
def test_a_stream_without_its_terminator_was_cut(spoken: Spoken) -> None:
    collected = spoken.dialect.collecting()
    collected.feed(spoken.start + spoken.says("a"))
    with pytest.raises(UpstreamError, match="ended before"):
        collected.close()
