from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.pii_redactor.ibans import MAX_WIDTH, STRUCTURES, find_ibans, mod97


def ibans(text: str) -> list[str]:
    return [text[start:end] for start, end in find_ibans(text)]


def example(country: str, digit: str = "7", letter: str = "K") -> str:
    """An account of `country` with the right structure and the right check digits."""
    parts = re.findall(r"([0-9]+)([nac])", STRUCTURES[country])
    body = "".join((letter if kind == "a" else digit) * int(count) for count, kind in parts)
    return next(text for check in range(2, 99) if mod97(text := f"{country}{check:02}{body}"))


@pytest.mark.parametrize("country", sorted(STRUCTURES))
def test_every_country_of_the_registry_is_known(country: str) -> None:
    number = example(country)
    assert ibans(f"to {number}.") == [number]
    assert ibans(f"to {number.lower()}.") == [number.lower()]


@pytest.mark.parametrize("country", sorted(STRUCTURES))
def test_one_character_less_or_more_is_none(country: str) -> None:
    number = example(country)
    assert ibans(number[:-1]) == []
    assert ibans(number + "7") == []


def test_lengths_are_those_of_the_registry() -> None:
    # SWIFT IBAN Registry, release 99: shortest and longest, and the largest economies.
    expected = {
        "NO": 15,
        "BE": 16,
        "NL": 18,
        "CH": 21,
        "DE": 22,
        "GB": 22,
        "ES": 24,
        "FR": 27,
        "IT": 27,
        "PL": 28,
    }
    assert {country: len(example(country)) for country in expected} == expected
    assert max(len(example(country)) for country in STRUCTURES) == len(example("RU")) == 33


@given(st.sampled_from(sorted(STRUCTURES)), st.data())
def test_one_wrong_character_is_none(country: str, data: st.DataObject) -> None:
    number = example(country)
    place = data.draw(st.integers(4, len(number) - 1))
    other = data.draw(st.sampled_from("0123456789" if number[place].isdigit() else "ABCDEFGHIJ"))
    changed = number[:place] + other + number[place + 1 :]
    assert (ibans(changed) == [changed]) == (changed == number)


def test_letters_where_the_country_has_digits_are_none() -> None:
    assert ibans("DE89 3704 0044 0532 0130 OO") == []


def test_an_iban_is_no_wider_than_it_says() -> None:
    widest = "-- ".join(example("RU"))
    assert ibans(widest) == [widest]
    assert len(widest) == MAX_WIDTH


def test_two_in_a_row_are_two() -> None:
    assert ibans(f"{example('DE')} {example('NO')}") == [example("DE"), example("NO")]
