from __future__ import annotations

import re

import pytest

from plugins.pii_redactor.keys import (
    KEY_FORMS,
    MAX_JWT_WIDTH,
    MAX_KEY_WIDTH,
    Form,
    _compiled,
    find_jwts,
    find_keys,
)
from tests.plugins.pii_redactor.corpus import A40, AWS_SECRET, HEX32, JWT, PEM, UPPER16


def keys(text: str) -> list[str]:
    return [text[start:end] for start, end in find_keys(text)]


@pytest.mark.parametrize("form", KEY_FORMS, ids=lambda form: form.anchor)
def test_a_form_has_a_greatest_width_and_its_anchor(form: Form) -> None:
    assert 0 < form.max_width <= MAX_KEY_WIDTH
    assert form.back < form.max_width
    assert re.escape(form.anchor) in form.pattern.pattern


def test_a_form_s_pattern_is_made_once_and_not_before_its_anchor_was_met() -> None:
    one = Form("zz_", r"zz_[a-z]{4}", 7)
    made = _compiled.cache_info().misses
    assert Form("zz_", one.source, 7).pattern is one.pattern
    assert _compiled.cache_info().misses == made + 1


@pytest.mark.parametrize("before", ["", " ", '"', "=", ":", "\\n", "%22", "(", "/", "-", "_"])
def test_a_key_may_stand_behind_anything_but_a_letter_or_digit(before: str) -> None:
    key = "gh" + f"p_{A40}"
    assert keys(f"{before}{key}") == [key]
    assert keys(f"x{key}") == []


def test_an_aws_secret_is_told_by_its_name_or_by_the_key_beside_it() -> None:
    assert keys(AWS_SECRET) == []
    assert keys(f"secret_access_key: {AWS_SECRET}") == [AWS_SECRET]
    assert AWS_SECRET in keys(f"AKIA{UPPER16} {AWS_SECRET}")
    assert AWS_SECRET not in keys(f"AKIA{UPPER16} {'x ' * 100} {AWS_SECRET}")


def test_a_digest_beside_an_access_key_is_left() -> None:
    assert keys(f"AKIA{UPPER16} {HEX32}01234567") == [f"AKIA{UPPER16}"]


def test_private_keys_end_at_their_own_end() -> None:
    assert keys(f"a {PEM} b {PEM} c") == [PEM, PEM]


def test_a_private_key_without_an_end_is_taken_as_far_as_it_can_be_one() -> None:
    cut = PEM.partition("\n-----END")[0]
    assert keys(f"{cut}. And more") == [cut]


def test_tokens_end_where_a_sentence_does() -> None:
    assert [f"{JWT}."[start:end] for start, end in find_jwts(f"{JWT}.")] == [JWT]
    assert len(JWT) < MAX_JWT_WIDTH


def test_a_token_without_a_signature_is_found() -> None:
    unsigned = JWT.rpartition(".")[0] + "."
    assert len(list(find_jwts(unsigned))) == 1  # RFC 7519, section 6: unsecured
