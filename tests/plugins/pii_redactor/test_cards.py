from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.pii_redactor.cards import MAX_WIDTH, find_cards, luhn


def cards(text: str) -> list[str]:
    return [text[start:end] for start, end in find_cards(text)]


def checked(prefix: str, size: int) -> str:
    """A number of `size` digits that begins with `prefix` and passes the check."""
    body = (prefix + "0" * size)[: size - 1]
    return next(body + digit for digit in "0123456789" if luhn(body + digit))


@pytest.mark.parametrize(
    ("prefix", "sizes"),
    [
        ("4", (16, 19)),
        ("51", (16,)),
        ("55", (16,)),
        ("2221", (16,)),
        ("2720", (16,)),
        ("34", (15,)),
        ("37", (15,)),
        ("6011", (16, 19)),
        ("644", (16,)),
        ("300", (14,)),
        ("36", (14,)),
        ("39", (14,)),
        ("3528", (16,)),
        ("3589", (16,)),
        ("62", (16, 19)),
        ("2200", (16,)),
        ("5018", (12, 19)),
        ("6763", (12, 16)),
        ("9792", (16,)),
        ("506099", (16, 19)),
    ],
)
def test_every_brand_is_known_at_each_of_its_lengths_and_at_no_other(
    prefix: str, sizes: tuple[int, ...]
) -> None:
    for size in sizes:
        number = checked(prefix, size)
        assert cards(number) == [number]
    assert cards(checked(prefix, 11)) == []
    assert cards(checked(prefix, 20)) == []


@pytest.mark.parametrize("prefix", ["0", "1", "70", "2220", "2721", "33", "56", "99"])
def test_other_beginnings_are_no_card(prefix: str) -> None:
    assert cards(checked(prefix, 16)) == []


@given(st.integers(0, 15), st.integers(1, 9))
def test_one_wrong_digit_is_no_card(place: int, more: int) -> None:
    number = list("4242424242424242")
    number[place] = str((int(number[place]) + more) % 10)
    assert not luhn("".join(number))


def test_two_cards_in_a_row_are_two() -> None:
    assert cards("4242 4242 4242 4242 5555 5555 5555 4444") == ["4242 4242 4242 4242", "5555 5555 5555 4444"]


def test_a_card_is_no_wider_than_it_says() -> None:
    widest = "-- ".join(checked("4", 19))
    assert cards(widest) == [widest]
    assert len(widest) == MAX_WIDTH
    assert cards("----".join("4242424242424242")) == []


def test_a_card_needs_the_end_of_a_group_of_digits() -> None:
    assert cards("42424242424242420") == []
    assert cards("4242424242424242 0") == ["4242424242424242"]
    assert cards("0 4242424242424242") == ["4242424242424242"]
    assert cards("04242424242424242") == []


def test_the_digits_after_a_point_are_no_card_and_a_grouped_number_after_one_is() -> None:
    assert cards("0.4242424242424242") == []
    assert cards("1. 4242 4242 4242 4242") == ["4242 4242 4242 4242"]


def test_thirteen_digits_are_a_card_unless_they_are_a_bar_code_or_a_phone_number() -> None:
    assert cards("4222222222222") == ["4222222222222"]
    assert cards("4000000000006") == []  # the check digit of an EAN-13 holds too (GS1 General Specifications)
    assert cards("+4915112345678") == []
