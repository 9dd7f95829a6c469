from __future__ import annotations

import re

import pytest

from penstock.errors import FailureClass, PluginError
from penstock.gates.window import Find, Found, HoldExceededError, Window
from penstock.sdk import Span
from penstock.sdk.edits import Replace, find_spans
from penstock.sdk.openings import Opening, first_open, require_fit, with_open
from penstock.sdk.projection import Piece, Texts
from tests.gates.window_finders import cuts, run

LATE, OPEN = re.compile(r"<k>[ab ]*</k>"), re.compile(r"<k>[ab ]*(?:<(?:/k?)?)?")


def spans(text: str, pattern: str = "x+") -> tuple[Replace, ...]:
    return find_spans(re.compile(pattern), "-", text)


@pytest.mark.parametrize(
    ("text", "opening", "place"),
    [
        ("..ab", "ab?", 2),
        ("..abc", "ab", None),
        ("ab.ab", "ab", 3),
        ("", "a*", None),
        ("abc", "z*", None),  # what is empty is not open
        ("..xx", "x", None),  # a match already
        ("..xxa", "xxa|a", 4),  # not inside of a match
        ("axxa", "axxa", 0),  # but around one
    ],
)
def test_what_is_open_reaches_the_end_and_begins_in_no_match(
    text: str, opening: str, place: int | None
) -> None:
    assert first_open(text, spans(text), re.compile(opening)) == place
    wanted = () if place is None else (Replace(place, len(text), ""),)
    kept = tuple(span for span in spans(text) if place is None or span.start < place)
    assert with_open(text, spans(text), opening) == kept + wanted


def test_a_function_says_where_something_is_open_and_a_find_there_opens_with_it() -> None:
    text = "x.xxx.."
    assert with_open(text, spans(text), lambda _: None) == spans(text)
    assert with_open(text, spans(text), lambda _: 5) == (*spans(text), Replace(5, 7, ""))
    assert with_open(text, spans(text), lambda _: 3) == (*spans(text)[:1], Replace(2, 7, ""))


def test_a_pattern_that_shows_late_needs_an_opening() -> None:
    with pytest.raises(PluginError, match="opening") as caught:
        require_fit(LATE, 8, 99, None)
    assert caught.value.failure is FailureClass.CONTRACT
    require_fit(LATE, 8, 99, OPEN)
    with pytest.raises(PluginError, match="max_hold_chars"):
        require_fit(LATE, 8, 8, OPEN)


def masked(opening: Opening | None) -> Find:
    def find(piece: str, is_end: bool) -> Found:
        edit = Texts("response.text", (piece,), Piece(is_end, 8, 40)).sub(LATE, "<>", opening=opening)
        return Found([span for _, found in edit.spans for span in found])

    return find


def searched(piece: str, is_end: bool) -> Found:
    found = Texts("response.text", (piece,), Piece(is_end, 8, 40)).search(LATE, opening=OPEN)
    return Found(block=found, reason="found") if found else Found()


@pytest.mark.parametrize(
    "text",
    [
        "a <k>ab ab ab ab ab ab</k> and more of it, which leaves",
        "a <k>ab ab ab ab ab ab</k and more of it, which leaves",
        "<k>ab ab ab</k><k>ab ab ab ab</k><k>ab ab ab ab",
        "a < b <k <k> <k>c</k> <k></k>" * 3,
    ],
)
def test_with_its_opening_a_late_pattern_gives_the_same_for_every_cut(text: str) -> None:
    whole, block = LATE.sub("<>", text), LATE.search(text)
    for pieces in cuts(text):
        assert run(Window(masked(OPEN), 8, 40, min_step_chars=1), pieces) == (whole, None)
        released, verdict = run(Window(searched, 8, 40, min_step_chars=1), pieces)
        assert (verdict is None) == (block is None)
        assert text.startswith(released)
        if verdict and block:
            assert verdict.span == Span(*block.span())
            assert len(released) <= block.start()


def test_beyond_the_hold_what_is_open_fails_and_has_not_left() -> None:
    window = Window(masked(OPEN), 8, 40, min_step_chars=1)
    assert [window.feed(char) for char in "before <k>" + "ab " * 10].count("") > 30
    with pytest.raises(HoldExceededError):
        window.feed("ab " * 10)
    assert window.give_up().startswith("<k>")
