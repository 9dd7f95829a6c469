"""The guard that a dialect asks: what leaves when, and that nothing leaves after a denial."""

from __future__ import annotations

import time

import pytest

from penstock.content import Unseen
from penstock.gates.overrides import Overrides
from penstock.gates.placement import Placement
from penstock.gates.stream_coalescer import GATHER_CHARS, GATHER_MS
from penstock.gates.stream_guard import StreamGuard
from penstock.gates.window import Find, Found
from penstock.streams import Channel, Guard
from tests.gates.fakes import TEXT, FakeContent, exchange_of
from tests.gates.streaming import CALLS, REASONING, Clock, Finds, channel_of, gate_over, windowed
from tests.gates.window_finders import blocks, edits

ONE, OTHER = channel_of(0), channel_of(1)
SEES_ALL = (TEXT, REASONING, CALLS)


def guard_of(
    *finds: Find, clock: Clock | None = None, placements: list[Placement] | None = None
) -> StreamGuard:
    """One placement for each finder, in windows of two characters."""
    plugins = {f"p{at}": Finds(find) for at, find in enumerate(finds)}
    made = placements or [windowed(name, 2, order=at, reads=SEES_ALL) for at, name in enumerate(plugins)]
    gate = gate_over(dict(plugins), *made, clock=clock)
    guard = gate.stream(exchange_of(status=200), Overrides()).guard
    assert guard is not None
    return guard


def test_it_is_what_a_dialect_asks() -> None:
    guard: Guard = guard_of(edits("a"))
    assert guard.denial is None


def test_small_deltas_are_gathered_and_leave_when_they_are_due() -> None:
    clock = Clock()
    guard = guard_of(edits("a"), clock=clock)
    assert guard.wait_ms() is None
    assert guard.text(ONE, TEXT, "xax") == ""
    assert guard.wait_ms() == pytest.approx(GATHER_MS)
    clock.now_s += 0.020
    assert guard.text(OTHER, TEXT, "yyyyy") == ""
    assert guard.due() == []
    clock.now_s += 0.031
    assert guard.wait_ms() == 0
    assert guard.due() == [(ONE, "x")]
    assert 0 < (guard.wait_ms() or 0) < GATHER_MS
    clock.now_s += 0.020
    assert guard.due() == [(OTHER, "yyy")]
    assert (guard.wait_ms(), guard.due()) == (None, [])
    assert guard.text(ONE, TEXT, "x" * GATHER_CHARS) == "<>" + "x" * (GATHER_CHARS - 1)
    assert guard.wait_ms() is None


@pytest.mark.parametrize("ends", [True, False])
def test_who_waits_is_found_behind_those_that_wait_no_more(ends: bool) -> None:
    clock = Clock()
    guard = guard_of(edits("a"), clock=clock)
    guard.text(Channel(2, "silent"), TEXT, "")
    guard.text(ONE, TEXT, "x")
    clock.now_s += 0.010
    guard.text(OTHER, TEXT, "x")
    assert guard.wait_ms() == pytest.approx(GATHER_MS - 10)
    if ends:
        guard.end(ONE)
    else:
        guard.text(ONE, TEXT, "x" * GATHER_CHARS)
    assert guard.wait_ms() == pytest.approx(GATHER_MS)


def test_what_came_late_goes_with_what_it_completes() -> None:
    clock = Clock()
    guard = guard_of(edits("a"), clock=clock)
    guard.text(ONE, TEXT, "xxx")
    clock.now_s += 1
    assert guard.text(ONE, TEXT, "yyy") == "xxxy"
    assert guard.wait_ms() is None


def test_an_end_gives_the_rest_and_only_once() -> None:
    guard = guard_of(edits("a"))
    assert guard.text(ONE, TEXT, "xax") == ""
    assert guard.end(ONE) == "x<>x"
    assert (guard.end(ONE), guard.end(OTHER), guard.wait_ms()) == ("", "", None)
    guard.text(ONE, TEXT, "a")
    assert guard.end(ONE) == "<>"


def test_texts_of_a_field_that_nobody_reads_pass_at_once() -> None:
    guard = guard_of(edits("a"))
    assert guard.text(Channel(0, "mcp"), "response.mcp.result", "a") == "a"
    assert guard.end(Channel(0, "mcp")) == ""


def test_a_choice_is_edited_from_the_first_edit_that_leaves() -> None:
    guard = guard_of(edits("a", "a"), edits("b", "c"))
    guard.text(ONE, TEXT, "a" * 70)
    guard.text(OTHER, REASONING, "ab" * 35)
    assert (guard.is_edited(0), guard.is_edited(1), guard.is_edited(None)) == (False, True, False)
    guard.text(ONE, TEXT, "b")
    guard.end(ONE)
    assert guard.is_edited(0)


def test_a_text_that_stands_whole_is_edited_whole() -> None:
    guard = guard_of(edits("a"), edits("<>b", "c"))
    assert guard.whole_text(TEXT, "abab") == "cc"
    assert guard.whole_text(REASONING, "") == ""


def test_a_whole_text_of_a_field_that_is_to_be_dropped_says_nothing() -> None:
    placement = windowed("p0", 2, uninspected={REASONING: "drop"})
    guard = guard_of(edits("a"), placements=[placement])
    assert guard.whole_text(REASONING, "so") == ""
    assert guard.denial is None


def test_placements_inspect_in_order_and_the_first_that_refuses_ends_it() -> None:
    image = Unseen("x", "image", ("x",))
    content = FakeContent({TEXT: ("hi",)}, unseen=(image,))
    dropping = windowed("p0", 2, order=0, uninspected={"image": "drop"})
    refusing = windowed("p1", 2, order=1)
    guard = guard_of(edits("a"), edits("a"), placements=[dropping, refusing])
    assert guard.admit(content).unseen == ()
    assert (guard.denial, [one.policy for one in guard.uninspected]) == (None, ["drop"])
    guard = guard_of(edits("a"), edits("a"), placements=[windowed("p0", 2), windowed("p1", 2)])
    guard.admit(content)
    assert [(one.plugin, one.policy) for one in guard.uninspected] == [("p0", "refuse")]
    assert guard.denial is not None


def test_after_a_denial_nothing_leaves_and_nobody_is_asked() -> None:
    clock = Clock()
    guard = guard_of(edits("a"), blocks("odd", edits("(?!)")), edits("a"), clock=clock)
    guard.text(OTHER, TEXT, "waits")
    assert guard.text(ONE, TEXT, "x" * 70 + "odd.." + "x" * 70) == ""
    denial = guard.denial
    assert denial is not None
    assert denial.code == "p1.reason"
    clock.now_s += 1
    assert (guard.wait_ms(), guard.due()) == (None, [])
    assert guard.text(OTHER, TEXT, "y" * 99) == guard.end(OTHER) == guard.end(ONE) == ""
    assert guard.text(Channel(9, "new"), "response.mcp.result", "z") == ""
    assert guard.whole_text(TEXT, "z") == ""
    content = FakeContent({CALLS: ("a",)}, unseen=(Unseen("x", "image", ("x",)),))
    assert guard.whole(content) is guard.admit(content) is content
    assert (guard.denial, guard.uninspected) == (denial, [])


def test_a_denial_takes_back_all_that_was_due_with_it() -> None:
    clock = Clock()
    guard = guard_of(blocks("odd", edits("(?!)")), clock=clock)
    guard.text(OTHER, TEXT, "fine, all of it")
    guard.text(ONE, TEXT, "odd and more")
    clock.now_s += 1
    assert guard.due() == []
    assert guard.denial is not None


def test_a_delta_that_only_waits_costs_microseconds() -> None:
    guard = guard_of(edits("a"), edits("b"), edits("c"))
    started = time.process_time()
    for _ in range(5_000):
        guard.text(ONE, TEXT, "x")
    # 0.5 µs each and a look for every 64 of them; ten times as much on a slow machine
    assert (time.process_time() - started) / 5_000 < 50e-6


def test_looks_and_what_they_show_grow_with_the_text_and_no_faster() -> None:
    sizes: list[int] = []

    def counting(piece: str, is_end: bool) -> Found:
        sizes.append(len(piece))
        return edits("(?!)")(piece, is_end)

    def cost(chars: int, window_chars: int, delta: int) -> tuple[float, float]:
        sizes.clear()
        clock = Clock()
        guard = guard_of(counting, clock=clock, placements=[windowed("p0", window_chars)])
        for _ in range(chars // delta):
            guard.text(ONE, TEXT, "x" * delta)
            clock.now_s += 0.040
        guard.end(ONE)
        return len(sizes) / chars, sum(sizes) / chars

    for window_chars in (16, 512):
        short, long = cost(10_000, window_chars, 4), cost(100_000, window_chars, 4)
        assert long[0] <= short[0] * 1.1
        assert long[1] <= short[1] * 1.1
    # However slowly small deltas come: a character under a wide window is shown about 16 times.
    assert cost(50_000, 512, 4)[1] < 18
