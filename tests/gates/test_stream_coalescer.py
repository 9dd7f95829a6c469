"""Small deltas are gathered in front of the windows, no longer than a reader notices, and none is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.gates.stream_coalescer import Coalescer


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
