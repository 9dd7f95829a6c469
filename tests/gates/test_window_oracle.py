"""The rule of streams: however the text is cut, what comes out is what the unary gate gives.

Texts are short, so every piece is; the same windows over long texts are in `test_window.py`.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.gates.window import MIN_STEP_CHARS, Blocked, HoldExceededError, Window
from tests.gates.window_finders import BLOCKS, CASES, Case, blocks, cut, cuts, edits, run, unary

CUTS = st.lists(st.integers(0, 120), max_size=12)
STEPS = st.sampled_from([1, MIN_STEP_CHARS])


def texts(case: Case, count: int, most_chars: int = 60) -> list[str]:
    """The same ones each time; runs of few characters, since those are difficult."""
    dice = random.Random(case.alphabet)
    sizes = [dice.randint(0, most_chars) for _ in range(count)]
    return ["", *("".join(dice.choices(case.alphabet, k=size)) for size in sizes)]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("min_step_chars", [1, MIN_STEP_CHARS])
def test_edits_are_the_same_for_every_two_way_cut_and_for_single_characters(
    name: str, min_step_chars: int
) -> None:
    case = CASES[name]
    for text in texts(case, 12):
        for pieces in cuts(text):
            assert run(case.window(min_step_chars), pieces) == (unary(case.find, text), None), pieces


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("min_step_chars", [1, MIN_STEP_CHARS])
def test_the_verdict_is_the_same_for_every_two_way_cut_and_for_single_characters(
    name: str, min_step_chars: int
) -> None:
    case = BLOCKS[name]
    for text in texts(case, 20):
        for pieces in cuts(text):
            check_verdict(case, text, pieces, min_step_chars)


def check_verdict(case: Case, text: str, pieces: list[str], min_step_chars: int) -> None:
    assert case.edited
    released, verdict = run(case.window(min_step_chars), pieces)
    expected = unary(case.find, text)
    if not isinstance(expected, Blocked):
        assert (released, verdict) == (expected, None), pieces
        return
    assert verdict == expected, pieces
    whole, before = unary(case.edited, text), unary(case.edited, text[: expected.span.start])
    assert isinstance(whole, str)
    assert isinstance(before, str)
    assert whole.startswith(released), pieces
    assert len(released) <= len(before), pieces


@given(st.data(), st.sampled_from(sorted(CASES)), CUTS, STEPS)
@settings(max_examples=400)
def test_edits_are_the_same_however_the_text_is_cut(
    data: st.DataObject, name: str, at: list[int], min_step_chars: int
) -> None:
    case = CASES[name]
    text = data.draw(st.text(case.alphabet, max_size=120))
    assert run(case.window(min_step_chars), cut(text, at)) == (unary(case.find, text), None)


@given(st.data(), st.sampled_from(sorted(BLOCKS)), CUTS, STEPS)
@settings(max_examples=200)
def test_the_verdict_is_the_same_however_the_text_is_cut(
    data: st.DataObject, name: str, at: list[int], min_step_chars: int
) -> None:
    case = BLOCKS[name]
    text = data.draw(st.text(case.alphabet, max_size=120))
    check_verdict(case, text, cut(text, at), min_step_chars)


@dataclass(frozen=True)
class Pattern:
    """A regular expression and how far it looks."""

    text: str
    width: int
    ahead: int
    """From where its match begins to the last character that it reads."""
    behind: int

    @property
    def window_chars(self) -> int:
        return max(1, self.width, self.ahead - 1, self.behind)


ATOMS = st.sampled_from(
    [
        *(Pattern(text, 1, 1, 0) for text in ("a", "b", "[ab]", "[^a]", " ")),
        *(Pattern(text, 0, 1, 1) for text in (r"\b", r"\B")),
        *(Pattern(f"(?<{sign}{text})", 0, 0, len(text)) for sign in "=!" for text in ("a", "ab", "bb", " ")),
        *(Pattern(f"(?{sign}{text})", 0, len(text), 0) for sign in "=!" for text in ("a", "ab", "bb", " ")),
        Pattern(r"\A", 0, 0, 1),
        Pattern(r"\Z", 0, 1, 0),
    ]
)


def repeated(inner: Pattern, count: tuple[str, int]) -> Pattern:
    sign, most = count
    ahead = inner.width * (most - 1) + inner.ahead
    return Pattern(f"(?:{inner.text}){sign}", inner.width * most, ahead, inner.behind)


def in_a_row(parts: list[Pattern]) -> Pattern:
    width = ahead = 0
    for part in parts:
        ahead = max(ahead, width + part.ahead)
        width += part.width
    return Pattern("".join(part.text for part in parts), width, ahead, max(part.behind for part in parts))


def either(parts: list[Pattern]) -> Pattern:
    text = "|".join(part.text for part in parts)
    widest = (max(part.width for part in parts), max(part.ahead for part in parts))
    return Pattern(f"(?:{text})", *widest, max(part.behind for part in parts))


COUNTS = st.sampled_from([("?", 1), ("??", 1), ("{1,2}", 2), ("{0,3}+", 3), ("{2}", 2), ("{0,2}?", 2)])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds(repeated, inner, COUNTS),
        st.lists(inner, min_size=1, max_size=3).map(in_a_row),
        st.lists(inner, min_size=1, max_size=3).map(either),
    ),
    max_leaves=8,
)
RUNS = st.lists(st.sampled_from(["a", "aa", "aaa", "b", "bb", "ab", " "]), max_size=50).map("".join)


@given(PATTERNS, st.sampled_from(["<>", "", "|"]), RUNS, CUTS, STEPS)
@settings(max_examples=500)
def test_any_pattern_in_a_window_as_wide_as_it_looks_gives_the_same_edits(
    pattern: Pattern, instead: str, text: str, at: list[int], min_step_chars: int
) -> None:
    find = edits(pattern.text, instead)
    for pieces in (cut(text, at), list(text)):
        window = Window(find, pattern.window_chars, min_step_chars=min_step_chars)
        assert run(window, pieces) == (unary(find, text), None)


@given(PATTERNS, PATTERNS, RUNS, CUTS, STEPS)
@settings(max_examples=200)
def test_any_pattern_in_a_window_as_wide_as_it_looks_gives_the_same_verdict(
    pattern: Pattern, other: Pattern, text: str, at: list[int], min_step_chars: int
) -> None:
    edited = edits(other.text)
    width = max(pattern.window_chars, other.window_chars)
    case = Case(blocks(pattern.text, edited), width, "", edited=edited)
    for pieces in (cut(text, at), list(text)):
        check_verdict(case, text, pieces, min_step_chars)


def test_a_window_one_character_too_small_is_not_enough_and_says_so() -> None:
    find = edits("ab(?=ba)")
    assert run(Window(find, 3), "abba") == ("<>ba", None)
    with pytest.raises(HoldExceededError):
        run(Window(find, 2), "abba")


def test_the_patterns_of_the_property_are_measured_right() -> None:
    assert re.fullmatch(r"(?:a){2}", "aa")
    assert repeated(Pattern("a(?=bb)", 1, 3, 0), ("{2}", 2)) == Pattern("(?:a(?=bb)){2}", 2, 4, 0)
    assert in_a_row([Pattern("a", 1, 1, 0), Pattern(r"\b", 0, 1, 1)]) == Pattern(r"a\b", 1, 2, 1)
