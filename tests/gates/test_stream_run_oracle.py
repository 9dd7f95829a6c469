"""The rule of streams, through the whole engine: what leaves, and its evidence, is what a unary answer gives.

Several plugins, several choices, cut everywhere. The finders are those of `test_window_oracle`.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.gates.gate import Gate
from penstock.gates.placement import Mode, Placement
from penstock.sdk.plugin import Plugin
from penstock.streams import Channel
from tests.gates.fakes import TEXT, FakeContent
from tests.gates.streaming import (
    REASONING,
    Clock,
    Finds,
    Streamed,
    channel_of,
    deltas_of,
    gate_over,
    stream,
    told,
    unary,
    windowed,
)
from tests.gates.window_finders import BLOCKS, CASES, Case, cut, cuts, edits

# Finders over the same few characters, so that what one leaves is what the next one finds.
CHAIN = [
    Case(edits("ab", "b"), 2, ""),
    Case(edits("aa|bbb", "a"), 3, ""),
    Case(edits(r"\bb{1,2}\b", "ab ba"), 2, ""),
    Case(edits("b(?=a)", ""), 1, ""),
    Case(edits("a", "a"), 1, ""),
    CASES["chains of finds"],
    CASES["open-ended, with a tail"],
]
STEPS_S = st.sampled_from([0.0, 0.02, 0.06])
TEXTS = st.text("ab ", max_size=90)
ORDERS = st.lists(st.integers(0, 5), max_size=40)
CUTS = st.lists(st.integers(0, 90), max_size=10)
MODES = st.sampled_from([Mode.ENFORCE, Mode.ENFORCE, Mode.SHADOW, Mode.OFF])


def placements(cases: list[Case], modes: list[Mode]) -> list[Placement]:
    reads = (TEXT, REASONING)
    return [
        windowed(
            f"p{at}",
            case.window_chars,
            max_hold_chars=case.max_hold_chars,
            order=at,
            mode=mode,
            reads=reads,
        )
        for at, (case, mode) in enumerate(zip(cases, modes, strict=False))
    ]


def gate_of_cases(cases: list[Case], modes: list[Mode], clock: Clock | None = None) -> Gate:
    plugins: dict[str, Plugin] = {
        f"p{at}": Finds(case.find, records=at % 2 == 0) for at, case in enumerate(cases)
    }
    # So that there is always a window: one that finds nothing.
    last = windowed("watch", 1, order=99, reads=(TEXT, REASONING))
    plugins["watch"] = Finds(edits("(?!)"), records=True)
    return gate_over(plugins, *placements(cases, modes), last, clock=clock)


def answer_of(pieces: dict[Channel, list[str]]) -> FakeContent:
    values: dict[str, tuple[str, ...]] = {}
    for channel in sorted(pieces, key=lambda channel: channel.choice or 0):
        values[channel.name] = (*values.get(channel.name, ()), "".join(pieces[channel]))
    return FakeContent(values)


def check_same(gate: Gate, pieces: dict[Channel, list[str]], streamed: Streamed) -> None:
    result, response = unary(gate, answer_of(pieces))
    assert result.denial is None
    assert streamed.result.denial is None
    left = answer_of({channel: [text] for channel, text in streamed.texts.items()})
    assert dict(left.values) == dict(response.values)
    assert [told(record) for record in streamed.records] == [told(record) for record in result.records]


@given(
    st.lists(st.sampled_from(CHAIN), max_size=4),
    st.lists(MODES, min_size=4, max_size=4),
    st.lists(st.tuples(TEXTS, CUTS), min_size=1, max_size=4),
    ORDERS,
    STEPS_S,
    st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_what_leaves_and_its_records_are_those_of_the_unary_answer(
    cases: list[Case],
    modes: list[Mode],
    texts: list[tuple[str, list[int]]],
    order: list[int],
    step_s: float,
    one_by_one: bool,
) -> None:
    clock = Clock()
    gate = gate_of_cases(cases, modes, clock)
    pieces = {
        channel_of(at // 2, (TEXT, REASONING)[at % 2]): (list(text) or [""]) if one_by_one else cut(text, at_)
        for at, (text, at_) in enumerate(texts)
    }
    check_same(gate, pieces, stream(gate, deltas_of(pieces, order), clock=clock, step_s=step_s))


@pytest.mark.parametrize("step_s", [0.0, 0.06])
def test_so_for_every_two_way_cut_and_for_single_characters(step_s: float) -> None:
    text = "ab abba aabb bab a bbbb ba <<abab  aaab bb aab" * 2
    clock = Clock()
    gate = gate_of_cases(CHAIN, [Mode.ENFORCE] * 9, clock)
    for pieces in cuts(text):
        channels = {channel_of(0): pieces, channel_of(1): pieces[::-1]}
        check_same(gate, channels, stream(gate, deltas_of(channels), clock=clock, step_s=step_s))


@given(
    st.sampled_from(sorted(BLOCKS)),
    st.lists(st.sampled_from(CHAIN), max_size=2),
    st.lists(st.sampled_from(CHAIN), max_size=2),
    st.lists(st.tuples(st.text("abcd<", max_size=90), CUTS), min_size=1, max_size=3),
    ORDERS,
    STEPS_S,
)
@settings(max_examples=400, deadline=None)
def test_a_block_gives_the_same_verdict_and_what_left_is_a_prefix(
    name: str,
    before: list[Case],
    after: list[Case],
    texts: list[tuple[str, list[int]]],
    order: list[int],
    step_s: float,
) -> None:
    case, clock = BLOCKS[name], Clock()
    assert case.edited
    modes = [Mode.ENFORCE] * 9
    pieces = {channel_of(at): cut(text, at_) for at, (text, at_) in enumerate(texts)}
    gate = gate_of_cases([*before, case, *after], modes, clock)
    streamed = stream(gate, deltas_of(pieces, order), clock=clock, step_s=step_s)
    result, _ = unary(gate, answer_of(pieces))
    assert streamed.result.denial == result.denial
    assert [record.plugin for record in streamed.records] == [record.plugin for record in result.records]
    if result.denial is None:
        check_same(gate, pieces, streamed)
        return
    blocked = streamed.records[len(before)]
    assert (blocked.action, blocked.reason) == ("block", "reason")
    unblocked = gate_of_cases([*before, Case(case.edited, 1, ""), *after], modes)
    _, whole = unary(unblocked, answer_of(pieces))
    for channel, text in streamed.texts.items():
        assert whole.values[TEXT][channel.choice or 0].startswith(text)
