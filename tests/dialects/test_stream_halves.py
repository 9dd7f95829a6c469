"""Characters that were cut, in the streams of every dialect. What counts as a piece: each dialect's tests."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from penstock.dialects.sse import Parser
from penstock.dialects.stream_event import parsed
from penstock.errors import UpstreamError
from tests.dialects.openai.streaming import FakeGuard
from tests.dialects.spoken import EVERY_STREAM, Spoken

# As an upstream cuts it, in two escapes; and what the events that say it again say.
CUT = (("x\\ud83d", "\\ude00y"), ("\\ud83d", "", "\\ude00"), ("a", "\\uD83D", "\\uDE00\\uD83D", "\\uDE00"))
WHOLE = ("x\U0001f600y", "\U0001f600", "a\U0001f600\U0001f600")
LONE = (("\\ude00",), ("\\ud83d", "a"), ("\\ud83d",), ("\\ude00\\ud83d",))


def stream(spoken: Spoken, texts: Sequence[str], whole: str) -> list[bytes]:
    deltas = [spoken.says(text) for text in texts]
    return [spoken.start, *deltas, spoken.ends(whole), spoken.end(whole)]


@EVERY_STREAM
@pytest.mark.parametrize(("texts", "whole"), list(zip(CUT, WHOLE, strict=True)), ids=range(len(CUT)))
@pytest.mark.parametrize("held_chars", [0, 1])
def test_a_guard_sees_characters_whole(
    spoken: Spoken, texts: tuple[str, ...], whole: str, held_chars: int
) -> None:
    guard = FakeGuard(held_chars=held_chars)
    guarded = spoken.dialect.streaming(guard)
    left = [guarded.feed(piece) for piece in stream(spoken, texts, whole)]
    left += [guarded.close(), guarded.ending]
    assert list(guard.seen.values()) == [whole]
    again = spoken.dialect.collecting()
    again.feed(b"".join(left))
    again.close()
    assert again.response().texts("response.text").texts == (whole,)
    events = Parser().feed(b"".join(left))
    assert all(parsed(event, event.data) for event in events if event.data and event.data != "[DONE]")


@EVERY_STREAM
@pytest.mark.parametrize(("texts", "whole"), list(zip(CUT, WHOLE, strict=True)), ids=range(len(CUT)))
def test_an_answer_that_is_taken_in_whole_has_them(
    spoken: Spoken, texts: tuple[str, ...], whole: str
) -> None:
    collected = spoken.dialect.collecting()
    for piece in stream(spoken, texts, whole):
        collected.feed(piece)
    collected.close()
    assert collected.response().texts("response.text").texts == (whole,)


@EVERY_STREAM
@pytest.mark.parametrize("texts", LONE, ids=range(len(LONE)))
def test_a_half_without_its_other_is_the_upstreams_failure(spoken: Spoken, texts: tuple[str, ...]) -> None:
    guarded = spoken.dialect.streaming(FakeGuard(held_chars=100))
    with pytest.raises(UpstreamError, match="half of a surrogate pair") as caught:
        list(map(guarded.feed, stream(spoken, texts, "?")))
    assert caught.value.outcome == "malformed"


@EVERY_STREAM
def test_nobody_guards_what_passes_as_it_came(spoken: Spoken) -> None:
    pieces = stream(spoken, CUT[0], WHOLE[0])
    passing = spoken.dialect.streaming()
    left = b"".join(map(passing.feed, pieces)) + passing.close()
    assert left + passing.ending == b"".join(pieces)
