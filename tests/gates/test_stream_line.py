"""One channel through several placements: what fails is passed by, what shadows holds nothing back."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.gates.placement import Mode
from penstock.gates.window import Found
from penstock.sdk.edits import Span, find_spans
from tests.gates.fakes import TEXT
from tests.gates.streaming import (
    Clock,
    Finds,
    Streamed,
    channel_of,
    deltas_of,
    gate_over,
    stream,
    windowed,
)
from tests.gates.window_finders import cut, edits

CUTS = st.lists(st.integers(0, 60), max_size=10)


class Breaks:
    """Shouts each `a`, and crashes after so many calls."""

    def __init__(self, good_calls: int) -> None:
        self.good_calls = good_calls
        self.calls = count()

    def __call__(self, piece: str, is_end: bool) -> Found:
        if next(self.calls) >= self.good_calls:
            raise ValueError
        return shout(piece, is_end)


def shout(piece: str, is_end: bool) -> Found:
    return Found(find_spans(re.compile("a"), "A", piece))


def streamed(finds: dict[str, Finds], deltas: list[Any], clock: Clock, **more: dict[str, Any]) -> Streamed:
    placements = [windowed(name, 2, order=at, **more.get(name, {})) for at, name in enumerate(sorted(finds))]
    return stream(gate_over(finds, *placements, clock=clock), deltas, clock=clock, step_s=0.06)


@given(st.text("ab", min_size=1, max_size=60), CUTS, st.integers(0, 2), st.integers(0, 12))
@settings(deadline=None)
def test_a_placement_that_is_given_up_loses_nothing_and_stops_no_other(
    text: str, at: list[int], broken: int, good_calls: int
) -> None:
    names = ["p0", "p1", "p2"]
    finds = {name: Finds(shout) for name in names}
    finds[names[broken]] = Finds(Breaks(good_calls))
    pieces = {channel_of(0): cut(text, at)}
    done = streamed(finds, deltas_of(pieces), Clock(), **{names[broken]: {"on_error": "allow"}})
    assert done.texts == {channel_of(0): text.replace("a", "A")}
    assert done.result.denial is None
    failed = done.records[broken].failure
    assert failed in ({"exception"} if good_calls == 0 else {"exception", None})


@given(st.text("ab", min_size=1, max_size=60), st.text("ab", max_size=60), CUTS, st.integers(0, 12))
@settings(deadline=None)
def test_what_it_edited_stays_edited_and_the_rest_goes_as_it_came_in_every_channel(
    one: str, other: str, at: list[int], good_calls: int
) -> None:
    pieces = {channel_of(0): cut(one, at), channel_of(1): cut(other, at)}
    order = list(range(40))
    done = streamed(
        {"p0": Finds(Breaks(good_calls))}, deltas_of(pieces, order), Clock(), p0={"on_error": "allow"}
    )
    for channel, text in {channel_of(0): one, channel_of(1): other}.items():
        left = done.texts[channel]
        assert left.lower() == text
        edited = left.rfind("A") + 1
        assert left[:edited] == text[:edited].replace("a", "A")
    assert len(done.records) == 1


def test_a_placement_that_failed_in_one_channel_is_called_in_no_other() -> None:
    breaks = Finds(Breaks(1))
    deltas = [(channel_of(at % 2), TEXT, "xxxa") for at in range(8)]
    done = streamed({"p0": breaks}, deltas, Clock(), p0={"on_error": "allow"})
    assert breaks.calls == 2
    assert (done.records[0].calls, done.records[0].failure) == (2, "exception")
    assert all(text == "xxxa" * 4 for text in done.texts.values())


@pytest.mark.parametrize(
    "find",
    [
        shout,
        Breaks(0),
        Breaks(2),
        edits("a{1,9}", ""),
        lambda piece, is_end: Found(block=Span(0, 1), reason="r"),
    ],
)
def test_a_placement_in_shadow_holds_nothing_and_changes_nothing(find: Any) -> None:
    clock = Clock()
    gate = gate_over({"p0": Finds(find)}, windowed("p0", 16, mode=Mode.SHADOW), clock=clock)
    done = stream(gate, [], clock=clock)
    guard = done.run.guard
    assert guard is not None
    for at in range(200):
        assert guard.text(channel_of(0), TEXT, f"a{at}") == f"a{at}"
        assert guard.wait_ms() is None
        assert guard.due() == []
    assert guard.end(channel_of(0)) == ""
    assert not guard.is_edited(0)


def test_beside_one_that_enforces_a_shadow_sees_what_it_would_see_and_passes_it_on() -> None:
    finds = {"p0": Finds(edits("a+", "<>")), "p1": Finds(edits("<>", "b")), "p2": Finds(edits("<>", "c"))}
    modes = {"p1": {"mode": Mode.SHADOW}}
    done = streamed(finds, [(channel_of(0), TEXT, "xaaxa"), (channel_of(0), TEXT, "ay")], Clock(), **modes)
    assert done.texts == {channel_of(0): "xcxcy"}
    first, shadow, last = done.records
    assert (shadow.would, shadow.saw) == ("would_transform", last.saw)
    assert shadow.changed[0].before == last.changed[0].before == first.changed[0].after


def test_of_a_stream_that_was_cut_the_record_says_what_was_shown() -> None:
    find = Finds(edits("a", "b"))
    gate = gate_over({"p0": find}, windowed("p0", 4), clock=(clock := Clock()))
    done = stream(gate, [(channel_of(0), TEXT, "xaxaxaxaxa")], clock=clock, step_s=0.06, is_cut=True)
    assert done.texts == {channel_of(0): "xbxbxb"}
    (record,) = done.records
    assert record.saw is not None
    assert (record.action, record.saw.chars, record.changed[0].edits) == ("transform", 10, 3)
    unseen = stream(gate, [(channel_of(0), TEXT, "xa")], clock=clock, step_s=0.06, is_cut=True)
    assert (unseen.records[0].action, unseen.records[0].reason) == ("skipped", "no_context")
