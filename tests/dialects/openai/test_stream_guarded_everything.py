"""What holds for every listed stream under a guard, however its bytes are cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects.openai.stream import FinishPart
from penstock.dialects.openai.stream_guarded import GuardedStream
from penstock.dialects.openai.stream_progress import Progress
from penstock.dialects.sse import Parser
from penstock.streams import Channel
from tests.dialects.openai.streaming import (
    DENIAL,
    FakeGuard,
    assembled,
    byte_by_byte,
    chunks,
    edited,
    everything,
    guarded,
    in_two,
    text_parts,
)
from tests.fixtures.openai.streams import Stream, streams

ALL = pytest.mark.parametrize("each", streams(), ids=str)
HELD = pytest.mark.parametrize("held_chars", [0, 1, 5, 1000])


@ALL
@HELD
def test_under_a_guard_that_edits_nothing_a_stream_adds_up_to_the_same(each: Stream, held_chars: int) -> None:
    sent = assembled(guarded(each.body, str, held_chars))
    assert sent.response().tree == each.unary
    assert sent.template() == assembled(each.body).template()


@ALL
@HELD
def test_what_leaves_adds_up_to_what_the_whole_would_have_been(each: Stream, held_chars: int) -> None:
    left = assembled(guarded(each.body, str.swapcase, held_chars)).response()
    expected = edited(assembled(each.body).response(), str.swapcase)
    assert left.tree == without_annotations(expected.tree)


@ALL
def test_where_the_bytes_are_cut_changes_nothing_of_what_is_said(each: Stream) -> None:
    """Where every event begins and ends at each cut is the parser's, which is tested at every place."""
    for line_end, step in ((b"\n", 5), (b"\r\n", 97)):
        body = each.body.replace(b"\n", line_end)
        whole = everything(GuardedStream(FakeGuard(str.swapcase, 3)), body)
        for pieces in (byte_by_byte(body), *in_two(body, step)):
            assert everything(GuardedStream(FakeGuard(str.swapcase, 3)), *pieces) == whole


@given(st.data())
def test_random_cuts_change_nothing_of_what_is_said(data: st.DataObject) -> None:
    each = data.draw(st.sampled_from(streams()))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(each.body)), max_size=5)))
    pieces = [each.body[a:b] for a, b in zip([0, *cuts], [*cuts, len(each.body)], strict=True)]
    whole = everything(GuardedStream(FakeGuard(str.swapcase, 3)), each.body)
    assert everything(GuardedStream(FakeGuard(str.swapcase, 3)), *pieces) == whole


@ALL
def test_a_text_that_is_held_is_nowhere_in_what_leaves_before_its_choice_has_ended(each: Stream) -> None:
    pieces = {part.text.strip() for part in text_parts(each.body) if not part.is_whole}
    words = {piece for piece in pieces if len(piece) > 3}
    sent = guarded(each.body, lambda text: "~" * len(text), held_chars=100_000).decode()
    assert not [word for word in words if word in sent or json.dumps(word)[1:-1] in sent]


@ALL
@HELD
def test_all_that_a_choice_says_leaves_before_its_end_and_no_end_of_all_before_the_ending(
    each: Stream, held_chars: int
) -> None:
    guarding = GuardedStream(FakeGuard(str.swapcase, held_chars))
    before = guarding.feed(each.body) + guarding.close()
    progress = Progress()
    for chunk in chunks(before):
        ended_before = progress.ended
        speaking = progress.read(chunk.tree)
        assert each.name == "reason_with_every_delta" or not speaking & ended_before
        for part in chunk.parts:
            assert not isinstance(part, FinishPart) or part.choice not in speaking
    assert each.name == "reason_with_every_delta" or guarding.has_failed or not progress.has_ended
    assert b"[DONE]" not in before
    assert not any(part.text for part in text_parts(guarding.ending))


@ALL
def test_comments_ids_and_other_names_do_not_leave(each: Stream) -> None:
    sent = guarded(each.body)
    assert all(event.stripped() == event and event.data for event in Parser().feed(sent))


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
    whole = texts_of(guarded(each.body, str.swapcase, 2))
    for channel, text in texts_of(b"".join(sent)).items():
        assert whole[channel].startswith(text)
    if guard.denial is not None:
        assert (guarding.close(), guarding.ending, guarding.due(), sent[-1]) == (b"", b"", b"", b"")
    assert guarding.error(DENIAL, "0").startswith(b'data: {"error"')


def texts_of(body: bytes) -> dict[Channel, str]:
    texts: dict[Channel, str] = {}
    for part in text_parts(body):
        if not part.is_whole:
            texts[part.channel] = texts.get(part.channel, "") + part.text
    return texts


def without_annotations(tree: Any) -> Any:
    """Positions in a text that is edited are not known in a stream: what has them is left out."""
    copy = json.loads(json.dumps(tree))
    for choice in copy["choices"]:
        choice["message"].pop("annotations", None)
    return copy
