"""What is read from a pattern; and, with the real window, that one as wide as that says is wide enough."""

from __future__ import annotations

import random
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from types import FrameType

import pytest

from penstock.gates.window import Find, Found, HoldExceededError, Window
from penstock.sdk import patterns
from penstock.sdk.edits import find_spans
from penstock.sdk.patterns import bounds_problem, misfit, reach, to_the_end
from penstock.sdk.stream_samples import example
from tests.gates.window_finders import cut, run, unary


@pytest.mark.parametrize(
    ("pattern", "width", "extent", "left", "told", "lag"),
    [
        ("", 0, 0, 0, 0, 0),
        ("abc", 3, 3, 0, 3, 0),
        ("key-[a-z]{8}(?![a-z])", 12, 13, 0, 12, 1),
        ("key-[a-z]{8,}+", inf, inf, 0, 12, 1),
        ("BEGIN.*?END", inf, inf, 0, inf, 0),
        ("BEGIN[a-z]*+(?:END)?", inf, inf, 0, 5, 3),
        ("BEGIN[a-z]*(?=END)", inf, inf, 0, inf, 3),
        ("a(?:b{0,400}c)?", 402, 402, 0, 1, 401),
        ("[0-9]{4}(?: [0-9]{4}){0,100}", 504, 504, 0, 4, 5),
        ("(?:[a-z]+,)+", inf, inf, 0, inf, inf),
        ("(?:ab|[cd]{3}e)f", 5, 5, 0, 5, 0),
        (r"(?<=abc)d", 1, 1, 3, 1, 0),
        (r"\bab\b", 2, 3, 1, 3, 1),
        ("ab$", 2, 4, 0, 2, 2),
        (r"\Aab\Z", 2, 3, 1, 2, 2),
        (r"(a{2,5})x\1", 11, 11, 0, 11, 0),
        ("(a)?(?(1)bcd|e)", 4, 4, 0, 4, 0),
        ("(?=[a-z]{0,64}[0-9])[a-z0-9]{8,128}+", 128, 128, 0, 65, 1),
        ("(?>a{1,3})b", 4, 4, 0, 4, 0),
        (".+(?<=a)", inf, inf, 1, inf, 0),
        (r"(?<!a)b+", inf, inf, 1, 1, 1),
        ("(?:ab)*+(?!c)", inf, inf, 0, inf, 1),
        ("b*(?!c)", inf, inf, 0, 0, 1),
        ("(?!)", 0, 0, 0, 0, 0),
    ],
)
def test_the_reach_of_a_pattern_is_read_from_its_parsed_form(
    pattern: str, width: float, extent: float, left: float, told: float, lag: float
) -> None:
    assert reach(re.compile(pattern)) == (width, extent, left, told, lag)


def test_what_is_not_known_is_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "_ONE_CHARACTER", frozenset())
    assert reach(re.compile("one that nobody has asked about")).width == inf


@pytest.mark.parametrize(
    ("pattern", "window_chars", "max_hold_chars", "problem"),
    [
        ("a{1,64}", 64, 64, None),
        ("a{1,64}(?!b)", 64, 64, None),
        ("a{1,65}", 64, 64, "a match may have 65 characters and window_chars is 64: bound the pattern"),
        ("a{1,65}", 64, 65, None),
        ("BEGIN.*?END", 64, 64, "a match may have any number of characters"),
        ("BEGIN.*?END", 64, 9_999, "shows only after any number of characters and window_chars is 64"),
        ("a{70}", 64, 128, "a match shows only after 70 characters and window_chars is 64"),
        ("(?<=a{65})b", 64, 64, "a pattern looks 65 characters back and window_chars is 64"),
        ("a(?=b{70})", 64, 128, "a match shows only after 70 characters"),
    ],
)
def test_what_a_window_lacks_is_said_with_what_to_do(
    pattern: str, window_chars: int, max_hold_chars: int, problem: str | None
) -> None:
    found = misfit(re.compile(pattern), window_chars, max_hold_chars)
    assert found is None if problem is None else problem in str(found), found


def test_with_an_opening_only_the_hold_and_what_stands_before_are_bounds() -> None:
    late = re.compile("BEGIN.*?END")
    assert bounds_problem(late, 64, 9_999) is None
    assert "max_hold_chars" in str(bounds_problem(late, 64, 64))
    assert "looks 65 characters back" in str(bounds_problem(re.compile("(?<=a{65})b.*?c"), 64, 9_999))


def test_an_answer_is_remembered_for_the_pattern_that_it_is_of() -> None:
    for index in range(2 * patterns.MAX_REMEMBERED):  # most of them are gone when the next is asked about
        assert reach(re.compile(f"a{{{index}}}" + "b" * (index % 3))).width == index + index % 3


@pytest.mark.parametrize(
    "pattern",
    [
        re.compile("ab"),
        re.compile("(?i)AB"),
        re.compile("a  b # it is", re.VERBOSE),
        re.compile("(?x: a b)"),
        re.compile("x|ab"),
    ],
)
def test_a_pattern_is_made_to_reach_the_end(pattern: re.Pattern[str]) -> None:
    found = to_the_end(pattern).search("ab ab")
    assert found is not None
    assert found.span() == (3, 5)
    assert to_the_end(pattern).search("ab ") is None


@pytest.mark.parametrize("seed", range(5))
def test_a_window_that_fits_a_pattern_never_depends_on_the_cuts(seed: int) -> None:
    """Patterns made at random, each in the narrowest window that its reach allows."""
    dice = random.Random(seed)
    tried = early = 0
    while tried < 50:
        source = _sequence(dice, 0)
        try:
            pattern = re.compile(source)
        except re.error:
            continue
        found = reach(pattern)
        needed = max(found.left, min(max(found.width, found.extent - 1), max(found.told, found.lag)), 1)
        if needed == inf:
            continue
        window_chars = int(needed)
        assert misfit(pattern, window_chars, max(window_chars, 400)) is None, source
        tried, early = tried + 1, early + (found.width > window_chars)
        with _a_second():
            _check(dice, pattern, window_chars)
    assert early > 2


def subs(pattern: re.Pattern[str]) -> Find:
    return lambda piece, is_end: Found(find_spans(pattern, "<>", piece))


def _check(dice: random.Random, pattern: re.Pattern[str], window_chars: int) -> None:
    find = subs(pattern)
    for _ in range(4):
        before, after = ("".join(dice.choices("aabbc \n", k=dice.randint(1, 40))) for _ in range(2))
        text = before + (example(pattern, dice.choice([0, 30])) or dice.choice("ab") * 40) + after
        for pieces in (list(text), *(cut(text, dice.choices(range(len(text)), k=4)) for _ in range(6))):
            out = _run(Window(find, window_chars, max(window_chars, 400), min_step_chars=1), pieces)
            assert out in {unary(find, text), None}, (pattern.pattern, window_chars, text, pieces)


def _run(window: Window, pieces: list[str]) -> str | None:
    """What leaves; None when it fails closed: a match wider than the hold, a chain that cannot begin anew."""
    try:
        return run(window, pieces)[0]
    except HoldExceededError as error:
        return str(error) if "looks different" in str(error) else None


class _TooLongError(Exception):
    """A pattern that backtracks for ever: not what is tested."""


@contextmanager
def _a_second() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise _TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 1)
    try:
        yield
    except _TooLongError:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _sequence(dice: random.Random, depth: int) -> str:
    return "".join(_item(dice, depth) for _ in range(dice.randint(1, 4)))


def _item(dice: random.Random, depth: int) -> str:
    kind = dice.random()
    if kind < 0.45:
        return dice.choice(["a", "b", "c", "[ab]", "[^c]", ".", "(?:ab)", "bc"])
    if kind < 0.52:
        return dice.choice([r"\b", "^", "$", r"\Z", r"\A", r"\B"])
    if kind < 0.6:
        return f"(?{dice.choice(['=', '!', '<=', '<!'])}{dice.choice(['a', 'ab', '[bc]', 'b[ab]'])})"
    if kind < 0.9 or depth > 2:
        least = dice.randint(0, 2)
        count = dice.choice(["*", "+", "?", f"{{{least},{least + 2}}}", f"{{{least},}}"])
        return f"(?:{_item(dice, depth + 1) if depth < 2 else 'a'}){count}{dice.choice(['', '', '?', '+'])}"
    return f"(?:{_sequence(dice, depth + 1)}|{_sequence(dice, depth + 1)})"
