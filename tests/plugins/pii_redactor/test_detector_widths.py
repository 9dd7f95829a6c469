"""The window of plugin.toml, derived from what each finder looks at: no new pattern outgrows it unseen."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from penstock.sdk.manifest import read_manifest
from penstock.sdk.patterns import Reach, bounds_problem, misfit, reach
from plugins.pii_redactor import cards, emails, ibans, keys, phones
from plugins.pii_redactor.detector import OPENERS, WINDOW_CHARS

MODULES = ("cards", "detector", "emails", "ibans", "keys", "outline", "phones", "redactor", "shadow", "sweep")
ASKED = read_manifest(Path("plugins/pii_redactor")).moments["after_upstream"]
HOLD_CHARS = ASKED.max_hold_chars or 0

# Patterns without a greatest width, or told later than the window; and what bounds them.
BOUNDED_ELSEWHERE = {
    "cards._RUN": "what is searched in; a number in it has 19 digits at most",
    "cards._GROUP": "one group of such a run",
    "keys.JWT_FORM": "kept back as open by `open_jwt` until it shows",
    "keys._OPEN_JWT": "what is open: the hold bounds it",
    "keys._TOKEN_BACKWARDS": "where what is open can begin",
    "phones._FIGURES": "matched against one candidate",
    "phones._GROUP": "one group of a candidate",
    "phones._BEFORE_LATE_BRACKET": "matched against one candidate",
}


def patterns(value: Any, name: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield name, value
    elif isinstance(value, keys.Form):
        yield name, value.pattern
    elif isinstance(value, Mapping):
        yield from (found for item in value.values() for found in patterns(item, name))
    elif isinstance(value, tuple):
        yield from (found for item in value for found in patterns(item, name))


EVERY = [
    found
    for module in MODULES
    for name, value in vars(importlib.import_module(f"plugins.pii_redactor.{module}")).items()
    for found in patterns(value, f"{module}.{name}")
]


def needed(found: Reach) -> float:
    """The narrowest window that such a pattern fits."""
    return min(max(found.width, found.extent - 1), max(found.told, found.lag))


@pytest.mark.parametrize(("name", "pattern"), EVERY, ids=[name for name, _ in EVERY])
def test_every_pattern_fits_the_window_or_says_what_bounds_it(name: str, pattern: re.Pattern[str]) -> None:
    problem = misfit(pattern, WINDOW_CHARS, HOLD_CHARS)
    is_wide = reach(pattern).width > HOLD_CHARS
    assert (problem is None and not is_wide) or name in BOUNDED_ELSEWHERE, problem


def test_what_is_said_to_be_bounded_elsewhere_is_still_there_and_still_wide() -> None:
    wide = {name for name, p in EVERY if misfit(p, WINDOW_CHARS, HOLD_CHARS) or reach(p).width > HOLD_CHARS}
    assert wide == set(BOUNDED_ELSEWHERE)


def test_the_window_is_the_manifest_s() -> None:
    assert ASKED.window_chars == WINDOW_CHARS <= 256


def test_what_a_finder_looks_at_beyond_its_patterns_fits_too() -> None:
    """The widths that the finders state, and how far they look around a find."""
    ids = max(reach(f.pattern).width for f in keys.KEY_FORMS if f.anchor in keys._AWS_KEY_IDS)
    looks = {
        "a card of 19 digits with gaps, and the group's end": cards.MAX_WIDTH,
        "a card without gaps, in a digest": 19 + cards._HEX_DIGEST,
        "an IBAN": ibans.MAX_WIDTH,
        "a phone number": phones.MAX_WIDTH,
        "the word before a phone number": 40,
        "an address, until its sign is there": reach(emails._LOCAL_BACKWARDS).width + reach(emails._AT).width,
        "a secret before its access key id": keys._NEAR_CHARS + ids,
        "the name before a secret": keys._MAX_NAME_CHARS,
    }
    assert max(looks.values()) == looks["a secret before its access key id"] == 140
    assert all(chars <= WINDOW_CHARS for chars in looks.values())


def test_the_widths_that_the_finders_state_are_those_of_their_patterns() -> None:
    accounts = max(reach(ibans._account(country)).width for country in ibans.STRUCTURES)
    assert reach(ibans._HEAD).width + accounts <= ibans.MAX_WIDTH
    assert reach(phones._INTERNATIONAL).width <= phones.MAX_WIDTH
    assert reach(re.compile(phones._NATIONAL)).width <= phones.MAX_WIDTH
    assert reach(keys._BLOCK_BEGIN).width + keys._MAX_BLOCK_CHARS <= keys.MAX_KEY_WIDTH
    assert reach(keys.JWT_FORM.pattern).width <= keys.MAX_JWT_WIDTH


def test_no_form_of_a_key_shows_late() -> None:
    """The widest have a bound, or a least length, near that; a longer key is reported as it comes."""
    late = sorted((needed(reach(form.pattern)), form.anchor) for form in keys.KEY_FORMS)
    assert late[-2:] == [(113, "ABSK"), (131, "sk-")]


def test_what_is_held_at_most_covers_the_widest_find() -> None:
    widest = max(keys.MAX_KEY_WIDTH, keys.MAX_JWT_WIDTH, emails.MAX_WIDTH)
    assert widest < HOLD_CHARS
    assert set(OPENERS) == {"key", "jwt", "email"}


def test_a_pattern_that_looks_too_far_back_is_no_matter_of_the_hold() -> None:
    assert all(bounds_problem(p, WINDOW_CHARS, HOLD_CHARS) is None for name, p in EVERY)
