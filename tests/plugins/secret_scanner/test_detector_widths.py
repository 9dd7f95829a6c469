"""The window of plugin.toml, derived from the patterns: no new rule outgrows it unseen."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from math import inf
from pathlib import Path
from re import _constants as op  # type: ignore[attr-defined]  # CPython's parser has no public name
from re import _parser as parser  # type: ignore[attr-defined]  # same
from typing import Any

import pytest

from penstock.sdk.manifest import read_manifest
from penstock.sdk.patterns import Reach, misfit, reach
from plugins.secret_scanner.beside import NEAR_CHARS, PAIRS
from plugins.secret_scanner.forms import KEY_FORMS, OPEN_JWT, Form
from plugins.secret_scanner.phrases import PHRASE_FORMS

ASKED = read_manifest(Path("plugins/secret_scanner")).moments["after_upstream"]
WINDOW_CHARS, HOLD_CHARS = ASKED.window_chars or 0, ASKED.max_hold_chars or 0
MODULES = ("beside", "detector", "forms", "outline", "phrases", "placeholders", "rules", "scanner")
FORMS = (*KEY_FORMS, *PHRASE_FORMS)


def needed(found: Reach) -> float:
    """How much of a match must be there before it shows, or before what shows stays."""
    return min(max(found.width, found.extent - 1), max(found.told, found.lag))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.rule} {form.anchor}")
def test_every_form_fits_the_window_or_is_held_as_open(form: Form) -> None:
    if form.rule != "jwt":
        assert misfit(form.pattern, WINDOW_CHARS, HOLD_CHARS) is None
    assert reach(form.pattern).width < HOLD_CHARS
    assert reach(form.pattern).left <= WINDOW_CHARS


def test_the_window_is_what_the_latest_form_needs() -> None:
    latest, rule = max((needed(reach(form.pattern)), form.rule) for form in FORMS if form.rule != "jwt")
    assert (int(latest), rule) == (244, "private_key")
    assert latest <= WINDOW_CHARS <= 256


def test_what_is_looked_at_around_an_id_fits() -> None:
    """A secret that stands before its id: itself, what is between, the id."""
    for pair in PAIRS:
        secret = reach(pair.secret)
        assert secret.width + NEAR_CHARS + reach(pair.id).extent <= WINDOW_CHARS
        assert secret.left + NEAR_CHARS + reach(pair.id).width <= WINDOW_CHARS


def test_what_is_open_is_narrower_than_the_hold() -> None:
    """A block that is wider would count as settled, whatever comes of it."""
    assert max(form_width for form_width in map(width, (*(f.pattern for f in FORMS), OPEN_JWT))) < HOLD_CHARS


def width(pattern: re.Pattern[str]) -> float:
    return reach(pattern).width


def test_what_is_open_covers_a_token_until_it_shows() -> None:
    """Each part of a token is as wide in the opening as in the forms."""
    signed, encrypted = (form.pattern.pattern for form in KEY_FORMS if form.rule == "jwt")
    bounds = re.compile(r"\{\d+,(\d+)\}")
    opening = [int(most) for most in bounds.findall(OPEN_JWT.pattern)]
    assert opening[:4] == [int(most) for most in bounds.findall(encrypted)][:4]
    assert opening[0] == int(bounds.findall(signed)[0])


def patterns(value: object) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, Mapping):
        yield from (found for item in value.values() for found in patterns(item))
    elif isinstance(value, tuple):
        yield from (found for item in value for found in patterns(item))


EVERY = {
    found.pattern: found
    for module in MODULES
    for value in vars(importlib.import_module(f"plugins.secret_scanner.{module}")).values()
    for found in patterns(value)
}


def nested(items: Any, within: float = 1) -> float:
    """The most that repetitions inside of repetitions can multiply to, where they can be tried again."""
    most = within
    for kind, of in items:
        if kind in {op.MAX_REPEAT, op.MIN_REPEAT}:
            times = 1 if of[0] == of[1] else (inf if of[1] == op.MAXREPEAT else of[1])
            most = max(most, nested(of[2], within * times))
        elif kind is op.BRANCH:
            most = max(most, *(nested(way, within) for way in of[1]))
        elif kind is op.SUBPATTERN:
            most = max(most, nested(of[3], within))
    return most


@pytest.mark.parametrize("pattern", EVERY.values(), ids=lambda pattern: pattern.pattern[:40])
def test_no_pattern_backtracks_far(pattern: re.Pattern[str]) -> None:
    """Repetitions that can be tried again are narrow; wide ones are possessive, or match one given value."""
    of_one_value = pattern.pattern.endswith(".*")
    assert of_one_value or nested(parser.parse(pattern.pattern, pattern.flags)) <= 128
