from __future__ import annotations

from collections.abc import Iterator
from re import _constants as op  # type: ignore[attr-defined]  # CPython's parser has no public name
from re import _parser as parser  # type: ignore[attr-defined]  # same
from typing import Any

import pytest

from plugins.secret_scanner.detector import Detector
from plugins.secret_scanner.forms import KEY_FORMS, Form
from plugins.secret_scanner.outline import MIN_TOKEN_CHARS, TOKEN_CHARS
from plugins.secret_scanner.rules import RULES
from tests.plugins.secret_scanner.corpus import A36, FOUND, LEFT, Row

DETECTOR = Detector([rule for rule in RULES if rule != "assigned_secret"])


@pytest.mark.parametrize("row", FOUND, ids=lambda row: f"{row.rule}: {row.text[:12]}")
def test_every_form_is_found_where_it_is(row: Row) -> None:
    at = row.text.index(row.value)
    found = [find for find in DETECTOR.find(row.text) if find.rule == row.rule]
    assert [(find.value, find.start <= at, find.end >= at + len(row.value)) for find in found] == [
        (row.value, True, True)
    ]


@pytest.mark.parametrize(("text", "what"), LEFT, ids=[what for _, what in LEFT])
def test_what_only_looks_alike_is_left(text: str, what: str) -> None:
    assert DETECTOR.find(f"Look: {text} .") == []


def test_every_rule_has_a_row() -> None:
    assert {row.rule for row in FOUND} == set(RULES) - {"assigned_secret"}


@pytest.mark.parametrize("before", ["", " ", '"', "=", ":", "\\n", "%22", "(", "/", "-", "_", "é"])
def test_a_token_may_stand_behind_anything_but_a_letter_or_digit(before: str) -> None:
    token = "gh" + f"p_{A36}"
    assert [find.value for find in DETECTOR.find(before + token)] == [token]
    assert DETECTOR.find(f"x{token}") == []


def taken(items: Any) -> Iterator[str]:
    """Every character that a parsed pattern can take. What only looks (lookarounds) takes none."""
    for kind, of in items:
        if kind is op.LITERAL:
            yield chr(of)
        elif kind is op.RANGE:
            yield from map(chr, range(of[0], of[1] + 1))
        elif kind is op.IN:
            yield from taken(of)
        elif kind is op.BRANCH:
            yield from (char for way in of[1] for char in taken(way))
        elif kind in {op.SUBPATTERN, op.MAX_REPEAT, op.POSSESSIVE_REPEAT}:
            yield from taken(of[-1])
        else:
            assert kind in {op.ASSERT, op.ASSERT_NOT}, kind


@pytest.mark.parametrize("form", KEY_FORMS, ids=lambda form: form.anchor)
def test_the_outline_leaves_out_nothing_that_a_form_takes(form: Form) -> None:
    """A form is looked for inside of long stretches of the outline's characters only."""
    parsed = parser.parse(form.pattern.pattern)
    assert set(taken(parsed)) <= set(TOKEN_CHARS)
    assert parsed.getwidth()[0] >= MIN_TOKEN_CHARS
    assert form.back == 0
