from __future__ import annotations

import re
from re import _parser as parser  # type: ignore[attr-defined]  # nothing public tells a pattern's width

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.pii_redactor.keys import JWT_FORM, KEY_FORMS, Form, find_keys
from plugins.pii_redactor.outline import MIN_TOKEN_CHARS, Outline

TOKEN = re.compile(r"[A-Za-z0-9_+/=.~%-]{15,}")
DIGITS = re.compile(r"[0-9](?:[ \t()._/-]{0,4}+[0-9]){6,}+")
HEAD = re.compile(r"(?=[A-Za-z][ \t._/-]{0,3}[A-Za-z][ \t._/-]{0,3}[0-9][ \t._/-]{0,3}[0-9])")
TEXTS = st.text(st.sampled_from("aZ09 0123456789\t()._/-+@\n,ſé４"), max_size=120)


@pytest.mark.parametrize("form", [*KEY_FORMS, JWT_FORM], ids=lambda form: form.anchor)
def test_no_form_is_shorter_than_the_shortest_word_that_is_looked_at(form: Form) -> None:
    assert parser.parse(form.pattern.pattern).getwidth()[0] >= MIN_TOKEN_CHARS


@given(TEXTS)
def test_the_stretches_are_those_that_patterns_would_find(text: str) -> None:
    outline = Outline(text)
    assert list(outline.token_stretches()) == [found.span() for found in TOKEN.finditer(text)]
    assert outline.digit_stretches == [found.span() for found in DIGITS.finditer(text)]
    assert outline.iban_heads() == [found.start() for found in HEAD.finditer(text)]


@pytest.mark.parametrize("text", ["a(at)b", "a [At] b", "a< aT>b", "{ at }"])
def test_a_spelt_sign_is_seen(text: str) -> None:
    assert Outline(text).has_spelt_at()


@pytest.mark.parametrize("text", ["(cat)", "at (home)", "at)", "x@y"])
def test_other_words_are_no_sign(text: str) -> None:
    assert not Outline(text).has_spelt_at()


@pytest.mark.parametrize(
    "key", ["sk-proj-" + "a1" * 20, "sk-" + "a1" * 20, "sk_test_" + "a1" * 10, "github_pat_" + "a1" * 15]
)
def test_a_key_is_found_by_the_shortest_anchor_that_it_begins_with(key: str) -> None:
    text = f"x {key} x"
    assert [text[start:end] for start, end in find_keys(text)] == [key]


def test_stretches_have_their_bounds() -> None:
    assert list(Outline("a" * 15 + " " + "b" * 14).token_stretches()) == [(0, 15)]
    assert Outline("123456").digit_stretches == []
    assert Outline("1234567 x 1 2 3 4 5 6    7").digit_stretches == [(0, 7), (10, 26)]
    assert Outline("1 2 3 4 5 6     7").digit_stretches == []
    assert Outline("x DE8 9 D.E - 8/9").iban_heads() == [2, 8]
