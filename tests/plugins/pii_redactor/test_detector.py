"""All kinds together; and that the work grows with the text and not faster."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.sdk import Span
from plugins.pii_redactor.detector import KINDS, Detector, detector_of

EVERY = detector_of(KINDS, "US", ())


def fixed(*spans: tuple[int, int]) -> Iterator[Span]:
    return (Span(*span) for span in spans)


def test_finds_that_overlap_are_one_of_the_stronger_kind() -> None:
    detector = Detector([("key", lambda *_: fixed((4, 8))), ("phone", lambda *_: fixed((2, 6), (8, 9)))])
    assert [(f.start, f.end, f.kind) for f in detector.find("0123456789")] == [(2, 8, "key"), (8, 9, "phone")]


def test_a_find_inside_another_does_not_cut_it() -> None:
    detector = Detector([("key", lambda *_: fixed((3, 4))), ("phone", lambda *_: fixed((0, 9)))])
    assert [(f.start, f.end, f.kind) for f in detector.find("0123456789")] == [(0, 9, "key")]


@given(st.text(st.sampled_from("a@.+-4 29DEeyJ\u200b４(x/\\"), max_size=400))
def test_finds_are_in_order_inside_the_text_and_apart(text: str) -> None:
    at = 0
    for start, end, *_ in EVERY.find(text):
        assert at <= start < end <= len(text)
        at = end


ADVERSARIAL = {
    "letters": "a",
    "digits": "1",
    "digits apart": "4 ",
    "cards that fail": "4242 4242 4242 4241 ",
    "figures": "1234 5678 9012 ",
    "at signs": "@",
    "addresses that fail": "a@a.",
    "long labels": "a@" + "a." * 120 + " ",
    "spelt at signs": "(at)",
    "token beginnings": "eyJ",
    "tokens that fail": "eyJaaaaaa-",
    "parts that fail": "eyJaaaaaa.",
    "key beginnings": "sk-aaaaaaaa",
    "secret names": "secret key ",
    "blocks without an end": "-----BEGIN PRIVATE KEY-----",
    "dashes": "-",
    "pluses": "+1 555 12 ",
    "zeros": "00 4",
    "country codes": "de12 34 ",
    "zero-width": "4\u200b",
    "full-width": "４",
    "tags": "\U000e0034x",
    "many scripts": "٤４𝟜④",
}


def lines_run(text: str) -> int:
    """How many lines of Python the detectors take; their patterns in C are of bounded width."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        EVERY.find(text)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_eight_times_the_text_is_not_much_more_than_eight_times_the_work(name: str) -> None:
    # Counted, not timed; quadratic work would be 64 times.
    unit = ADVERSARIAL[name]
    small = unit * (4_000 // len(unit))
    assert lines_run(small * 8) < 12 * max(lines_run(small), 200)


@pytest.mark.parametrize(
    "name", ["letters", "digits", "at signs", "token beginnings", "dashes", "zero-width"]
)
def test_a_megabyte_is_gone_through(name: str) -> None:
    unit = ADVERSARIAL[name]
    text = unit * (1_000_000 // len(unit))
    assert all(found.end <= len(text) for found in EVERY.find(text))
