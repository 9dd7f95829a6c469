"""Windows in a row give what the unary gate gives; small deltas are gathered in front of them."""

from __future__ import annotations

import re
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.gates.window import Blocked, Found, Window
from penstock.gates.window_stages import Coalescer, Stages
from penstock.sdk.edits import Span, find_spans
from tests.gates.window_finders import CASES, Case, blocks, cut, cuts, edits, run, unary

# Finders over the same few characters, so that what one leaves is what the next one finds.
CHAIN = [
    Case(edits("ab", "b"), 2, ""),
    Case(edits("aa|bbb", "a"), 3, ""),
    Case(edits(r"\bb{1,2}\b", "ab ba"), 2, ""),
    Case(edits("b(?=a)", ""), 1, ""),
    CASES["chains of finds"],
]
TEXTS = st.text("ab ", max_size=80)
CUTS = st.lists(st.integers(0, 80), max_size=10)


def unary_chain(cases: list[Case], text: str) -> str:
    for case in cases:
        out = unary(case.find, text)
        assert isinstance(out, str)
        text = out
    return text


@given(st.lists(st.sampled_from(CHAIN), max_size=4), TEXTS, CUTS, st.sampled_from([1, 1024]))
@settings(max_examples=400)
def test_what_comes_out_is_what_the_stages_give_one_after_another(
    cases: list[Case], text: str, at: list[int], min_step_chars: int
) -> None:
    for pieces in (cut(text, at), list(text)):
        stages = Stages([case.window(min_step_chars) for case in cases])
        assert run(stages, pieces) == (unary_chain(cases, text), None)


def test_so_for_every_two_way_cut() -> None:
    text = "ab abba aabb bab a bbbb ba abab  aaab bb aab" * 2
    for pieces in cuts(text):
        stages = Stages([case.window() for case in CHAIN])
        assert run(stages, pieces) == (unary_chain(CHAIN, text), None)


@given(TEXTS, CUTS)
def test_a_block_of_any_stage_is_the_verdict_and_what_came_out_is_a_prefix(text: str, at: list[int]) -> None:
    first, second = edits("a b", "b"), blocks("bb", edits("aa"))
    left = unary(first, text)
    assert isinstance(left, str)
    expected = unary(second, left)
    released, verdict = run(Stages([Window(first, 3), Window(second, 2)]), cut(text, at))
    if isinstance(expected, Blocked):
        assert verdict == Blocked(expected.span, "r", stage=1)
        whole = unary(edits("aa"), left)
        assert isinstance(whole, str)
        assert whole.startswith(released)
    else:
        assert (released, verdict) == (expected, None)


def test_a_block_names_its_stage_at_the_end_too() -> None:
    windows = [Window(edits("(?!)"), 9), Window(blocks("x", edits("y")), 1)]
    stages = Stages(windows)
    assert stages.feed("..x") == ""
    assert stages.end() == Blocked(Span(2, 3), "r", stage=1)


def test_no_stage_lets_everything_go() -> None:
    assert run(Stages([]), ["a", "b"]) == ("ab", None)


@given(st.text("ab", min_size=1, max_size=60), CUTS, st.integers(0, 2), st.integers(0, 12))
def test_a_stage_that_is_given_up_loses_nothing_and_stops_no_other(
    text: str, at: list[int], broken: int, good_calls: int
) -> None:
    calls = count()

    def breaks(piece: str, is_end: bool) -> Found:
        if next(calls) >= good_calls:
            raise TimeoutError
        return Found()

    def shouts(piece: str, is_end: bool) -> Found:
        return Found(find_spans(re.compile("a"), "A", piece))

    finds = [shouts, shouts, shouts]
    finds[broken] = breaks
    stages = Stages([Window(find, 2, min_step_chars=1) for find in finds])
    out: list[str | Blocked] = []
    for piece in [*cut(text, at), None]:
        try:
            out.append(stages.end() if piece is None else stages.feed(piece))
        except TimeoutError:
            assert stages.current == broken
            out.append(stages.give_up(broken))
            if piece is None:
                out.append(stages.end())
    assert "".join(map(str, out)) == text.replace("a", "A")


class Clock:
    def __init__(self) -> None:
        self.now_s = 5.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_small_deltas_wait_until_they_are_enough(clock: Clock) -> None:
    coalescer = Coalescer(5, 50, clock)
    assert [coalescer.add(text) for text in ("ab", "cd", "ef", "g")] == ["", "", "abcdef", ""]


def test_they_wait_no_longer_than_they_may(clock: Clock) -> None:
    coalescer = Coalescer(5, 50, clock)
    assert coalescer.wait_ms() is None
    assert coalescer.add("a") == ""
    assert coalescer.wait_ms() == pytest.approx(50)
    clock.now_s += 0.030
    assert coalescer.add("b") == ""
    assert coalescer.wait_ms() == pytest.approx(20)  # the oldest counts
    assert coalescer.take_due() == ""
    clock.now_s += 0.030
    assert coalescer.wait_ms() == 0
    assert coalescer.take_due() == "ab"
    assert coalescer.take_due() == ""


def test_a_delta_takes_with_it_what_is_due(clock: Clock) -> None:
    coalescer = Coalescer(5, 50, clock)
    coalescer.add("a")
    clock.now_s += 1
    assert coalescer.add("b") == "ab"
    assert coalescer.add("c") == ""
    clock.now_s += 1
    assert coalescer.add("") == "c"


def test_what_waits_is_taken_whenever_it_is_asked_for(clock: Clock) -> None:
    coalescer = Coalescer(5, 50, clock)
    coalescer.add("a")
    assert (coalescer.take(), coalescer.take()) == ("a", "")
    assert [coalescer.add("abcd"), coalescer.add("e")] == ["", "abcde"]


def test_without_time_to_wait_nothing_waits(clock: Clock) -> None:
    assert Coalescer(5, 0, clock).add("a") == "a"


@given(st.lists(st.text("ab", max_size=4)), st.integers(1, 9))
def test_gathering_loses_and_adds_nothing(deltas: list[str], min_chars: int) -> None:
    coalescer = Coalescer(min_chars, 50, lambda: 0.0)
    out = [coalescer.add(delta) for delta in deltas]
    assert all(not text or len(text) >= min_chars for text in out)
    assert "".join([*out, coalescer.take()]) == "".join(deltas)


def test_one_character_at_a_time_costs_as_little_as_larger_deltas() -> None:
    sizes: list[int] = []

    def find(piece: str, is_end: bool) -> Found:
        sizes.append(len(piece))
        return Found()

    coalescer, stages = Coalescer(64, 50, lambda: 0.0), Stages([Window(find, 100), Window(find, 100)])
    for _ in range(20_000):
        if text := coalescer.add("a"):
            stages.feed(text)
    stages.end()
    assert len(sizes) < 2 * (20_000 / 64 + 10)
    assert sum(sizes) < 2 * 20_000 * 8
