"""Edits as values: found and applied as `re.sub` would, refused when they do not fit."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.sdk.edits import (
    REMOVED,
    AddText,
    Replace,
    Span,
    SpanEdit,
    TextEdit,
    apply_spans,
    find_spans,
    new_texts,
)

FIELD = "request.messages.user"
SHORT = st.text("ab\\1é😀\u200b", max_size=8)
SPANS = st.lists(st.tuples(st.integers(-2, 10), st.integers(-2, 10), SHORT), max_size=4)


def slowly_applied(text: str, spans: list[tuple[int, int, str]]) -> str | None:
    """Character by character; None when two replacements claim one, or one is outside."""
    at = 0
    for start, end, _ in spans:
        if not at <= start <= end <= len(text):
            return None
        at = end
    inside = {index for start, end, _ in spans for index in range(start, end)}
    said = ""
    for index in range(len(text) + 1):
        said += "".join(new for start, _, new in spans if start == index)
        if index < len(text) and index not in inside:
            said += text[index]
    return said


@given(SHORT, SPANS)
def test_spans_are_applied_as_an_oracle_applies_them(text: str, spans: list[tuple[int, int, str]]) -> None:
    expected = slowly_applied(text, spans)
    replacements = [Replace(*span) for span in spans]
    if expected is None:
        with pytest.raises(ValueError, match="overlap or leave"):
            apply_spans(text, replacements)
    else:
        assert apply_spans(text, replacements) == expected


PATTERNS = ["a", "b+", "a|b", "(a)(b)?", "", "a*", "^", "$", r"\b", ".", "[^a]", "(?P<x>a)b", "(?s)a.*b"]


@given(SHORT, st.sampled_from(PATTERNS), st.sampled_from(["", "x", r"<\g<0>>", r"\\", r"\n"]))
def test_a_pattern_is_replaced_as_re_sub_replaces_it(text: str, pattern: str, replacement: str) -> None:
    compiled = re.compile(pattern)
    spans = find_spans(compiled, replacement, text)
    assert apply_spans(text, spans) == compiled.sub(replacement, text)


@given(SHORT)
def test_groups_and_functions_replace_as_re_sub_does(text: str) -> None:
    pattern = re.compile("(a)(b)?")
    for replacement in (r"\2\1", lambda found: found[0].upper()):
        spans = find_spans(pattern, replacement, text)
        assert apply_spans(text, spans) == pattern.sub(replacement, text)


def test_a_replacement_that_names_no_group_raises_as_re_does() -> None:
    with pytest.raises(re.error):
        find_spans(re.compile("a"), r"\1", "a")


@pytest.mark.parametrize("index", [-1, 2, 10**9])
def test_an_edit_of_a_text_that_is_not_there_does_not_fit(index: int) -> None:
    for edit in (TextEdit(FIELD, ((index, "x"),)), SpanEdit(FIELD, ((index, (Replace(0, 0, "x"),)),))):
        with pytest.raises(ValueError, match="not there"):
            new_texts(edit, ["a", "b"])


def test_texts_that_stay_as_they_were_are_no_change() -> None:
    texts = ["a", "b"]
    assert new_texts(TextEdit(FIELD, ((0, "a"), (1, "c"))), texts) == [(1, "c")]
    assert new_texts(SpanEdit(FIELD, ((0, (Replace(0, 1, "a"),)),)), texts) == []


def test_an_edit_of_nothing_is_false_and_one_of_something_true() -> None:
    assert not SpanEdit(FIELD, ())
    assert not TextEdit(FIELD, ())
    assert SpanEdit(FIELD, ((0, (Replace(0, 1, ""),)),))
    assert TextEdit(FIELD, ((0, ""),))


def test_edits_are_values() -> None:
    assert AddText(FIELD, "x") == AddText(FIELD, "x")
    assert len({TextEdit(FIELD, ()), TextEdit(FIELD, ())}) == 1
    assert repr(REMOVED) == "REMOVED"
    assert "abcd"[slice(*Span(1, 3))] == "bc"
    with pytest.raises(AttributeError):
        AddText(FIELD, "x").text = "y"  # type: ignore[misc]  # what a plugin might try
