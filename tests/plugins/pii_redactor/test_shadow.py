from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.pii_redactor.shadow import Shadow, plain, shadows_of


def shadow(text: str) -> Shadow:
    return next(shadows_of(text))


def test_plain_text_is_its_own_shadow() -> None:
    assert shadow("plain text\n").pieces is None
    assert shadow("日本語").text == "日本語"


@pytest.mark.parametrize(
    ("char", "looks"),
    [
        ("４", "4"),
        ("𝟜", "4"),
        ("٤", "4"),
        ("④", "4"),
        ("⁴", "4"),
        ("❹", "4"),
        ("–", "-"),
        ("−", "-"),
        ("·", "."),
        ("。", "."),
        ("＠", "@"),
        ("\u00a0", " "),
        ("\u3000", " "),
        ("\u2028", "\n"),
        ("\u200b", ""),
        ("\u00ad", ""),
        ("\u0336", ""),
        ("\ufe0f", ""),
        ("\u202e", ""),
        ("\x00", ""),
        ("\t", "\t"),
        ("é", "e"),
        ("а", "a"),
        ("Ο", "O"),
        ("日", "日"),
        ("Ж", "Ж"),
    ],
)
def test_a_character_becomes_what_it_looks_like(char: str, looks: str) -> None:
    assert plain(char) == looks


@pytest.mark.parametrize("category", ["Nd", "Cf", "Pd", "Zs"])
def test_every_character_of_a_telling_category_becomes_ascii_or_nothing(category: str) -> None:
    chars = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == category]
    assert chars
    assert all(plain(char).isascii() for char in chars)


@pytest.mark.parametrize("code", [0x2065, 0xFFF0, 0xFFF8, 0xE0000, 0xE0080, 0xE01F0, 0xE0FFF])
def test_what_is_not_drawn_though_unassigned_is_not_there(code: int) -> None:
    assert shadow(f"4242{chr(code)}4242").text == "42424242"


def test_a_span_leads_back_to_the_original_with_what_cannot_be_seen() -> None:
    text = "a\u200b４\u200b２\u200bz"
    found = shadow(text)
    assert found.text == "a42z"
    assert text[slice(*found.span(1, 3))] == "４\u200b２\u200b"


def test_a_span_at_the_end_takes_what_cannot_be_seen_after_it() -> None:
    assert shadow("ab\u200b\u200b").span(0, 2) == (0, 4)


def test_a_character_that_looks_like_several_is_replaced_whole() -> None:
    found = shadow("x№y")
    assert found.text == "xNoy"
    assert found.span(1, 2) == found.span(2, 3) == found.span(1, 3) == (1, 2)


def test_tag_characters_are_read_once_as_nothing_and_once_as_letters() -> None:
    text = "a" + "".join(chr(0xE0000 + ord(char)) for char in "4b") + "c"
    assert [found.text for found in shadows_of(text)] == ["ac", "a4bc"]
    assert [found.text for found in shadows_of("plain")] == ["plain"]


@given(st.text(), st.data())
def test_every_span_of_a_shadow_is_a_span_of_the_original(text: str, data: st.DataObject) -> None:
    found = shadow(text)
    size = len(found.text)
    if size == 0:
        return
    start = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(start + 1, size))
    low, high = found.span(start, end)
    assert 0 <= low < high <= len(text)
    assert found.text[start:end] in shadow(text[low:high]).text


@given(st.text(), st.text(), st.data())
def test_spans_in_order_do_not_cross_in_the_original(left: str, right: str, data: st.DataObject) -> None:
    found = shadow(left + right)
    if len(found.text) < 2:
        return
    cut = data.draw(st.integers(1, len(found.text) - 1))
    assert found.span(0, cut)[0] <= found.span(cut, len(found.text))[0]


def test_many_kinds_of_characters_cost_one_pass_and_not_one_each() -> None:
    letters = "".join(chr(code) for code in range(0x1D400, 0x1D434))
    assert shadow(letters).text == "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    assert shadow(letters).pieces is None
    assert shadow(letters + "\u200b" + letters).span(52, 53) == (53, 54)
