"""Scope: AND between dimensions, OR within one, exceptions, and unknown ids that widen nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.gates.scope import Names, Scope

FACTS = {"organisation": "acme", "team": "red", "model": "gpt-5-mini", "tenant": None}


@pytest.mark.parametrize(
    ("only", "exceptions", "missed"),
    [
        ({}, (), None),
        ({"team": ("red", "blue")}, (), None),
        ({"team": ("blue",)}, (), "team"),
        ({"team": ("red",), "model": ("gpt-*",)}, (), None),
        ({"team": ("red",), "model": ("claude-*",)}, (), "model"),
        ({"tenant": ("*",)}, (), "tenant"),
        ({"user": ("anybody",)}, (), "user"),
        ({}, ({"team": ("red",)},), "except"),
        ({}, ({"team": ("red",), "model": ("claude-*",)},), None),
        ({}, ({"tenant": ("*",)},), None),
        ({}, ({"team": ("blue",)}, {"model": ("*mini",)}), "except"),
    ],
)
def test_scope_says_which_dimension_keeps_a_request_out(
    only: dict[str, tuple[str, ...]], exceptions: tuple[dict[str, tuple[str, ...]], ...], missed: str | None
) -> None:
    assert Scope.of(only, exceptions).misses(FACTS) == missed


def test_only_the_star_is_special_in_a_pattern() -> None:
    names = Names.of(("a.c", "x?z*", "[ab]*"))
    assert names.admits("a.c")
    assert not names.admits("abc")
    assert names.admits("x?z1")
    assert not names.admits("xyz1")
    assert not names.admits("a")
    assert names.admits("[ab]")


@given(st.lists(st.text("ab*", min_size=1, max_size=4), max_size=4), st.text("ab", max_size=6))
def test_a_pattern_admits_what_an_oracle_admits(patterns: list[str], name: str) -> None:
    assert Names.of(tuple(patterns)).admits(name) == any(_oracle(p, name) for p in patterns)


def _oracle(pattern: str, name: str) -> bool:
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(_oracle(pattern[1:], name[skip:]) for skip in range(len(name) + 1))
    return bool(name) and pattern[0] == name[0] and _oracle(pattern[1:], name[1:])
