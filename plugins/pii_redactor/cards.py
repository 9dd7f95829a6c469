"""Payment card numbers: brand prefix, brand length, Luhn.

Prefixes and lengths: ISO/IEC 7812-1 and the brands' own ranges as listed in Wikipedia, "Payment card
number", section "Issuer identification number". Greatest width: 19 digits and 18 gaps, 73 characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple

from penstock.sdk import Span

from .outline import Outline

MAX_WIDTH = 19 + 18 * 3
_RUN = re.compile(r"[0-9](?:[ \t._/-]{0,3}+[0-9]){11,}+")
# The value of each digit, and of twice the digit: the sum of its digits.
_SINGLE = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED = bytes.maketrans(b"0123456789", bytes([0, 2, 4, 6, 8, 1, 3, 5, 7, 9]))
_GROUP = re.compile(r"[0-9]+")
_HEX = re.compile(r"[0-9A-Fa-f]")
_HEX_DIGEST = 32  # the shortest common digest, MD5, in characters

# (lowest prefix, highest prefix, lengths); where prefixes overlap the lengths add up.
_BRANDS = (
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),  # Mastercard
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),  # American Express
    ("6011", "6011", (16, 17, 18, 19)),  # Discover
    ("644", "659", (16, 17, 18, 19)),  # Discover, RuPay
    ("300", "305", (14, 16)),  # Diners Club
    ("3095", "3095", (14, 16)),  # Diners Club
    ("36", "36", (14, 16)),  # Diners Club
    ("38", "39", (14, 16)),  # Diners Club
    ("3528", "3589", (16, 17, 18, 19)),  # JCB
    ("62", "62", (16, 17, 18, 19)),  # UnionPay
    ("81", "82", (16,)),  # UnionPay, RuPay
    ("60", "60", (16,)),  # RuPay
    ("508", "508", (16,)),  # RuPay
    ("2200", "2204", (16, 17, 18, 19)),  # Mir
    ("5018", "5018", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
    ("5020", "5020", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
    ("5038", "5038", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
    ("5893", "5893", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
    ("6304", "6304", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
    ("6759", "6763", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
    ("5019", "5019", (16,)),  # Dankort
    ("636", "636", (16, 17, 18, 19)),  # InterPayment
    ("9792", "9792", (16,)),  # Troy
    ("506099", "506198", (16, 18, 19)),  # Verve
)


def find_cards(text: str, outline: Outline | None = None) -> Iterator[Span]:
    """Every card number in `text`, however its digits are grouped by spaces, dashes, dots or slashes.

    A number begins and ends where a group of digits does: sixteen digits inside thirty are no card.
    """
    for low, high in (outline or Outline(text)).digit_stretches:
        for run in _RUN.finditer(text, low, high):
            yield from _in_run(text, _Run.of(text, run))


def _in_run(text: str, run: _Run) -> Iterator[Span]:
    next_index = 0
    for index, start in run.begins.items():
        if index < next_index:
            continue
        for length in _lengths(run.digits[index : index + 6]):
            if run.is_checked(index, length):
                end = run.ends[index + length]
                if not _is_something_else(text, start, end, run.digits[index : index + length]):
                    yield Span(start, end)
                    next_index = index + length
                    break


class _Run(NamedTuple):
    """Groups of digits, near enough to each other for one card, and their check sums so far."""

    digits: str
    begins: dict[int, int]
    """The index of each group's first digit, and where that stands in the text."""
    ends: dict[int, int]
    """The index after each group's last digit, and where the group ends in the text."""
    sums: tuple[list[int], list[int]]
    """For each index the sum of all digits before it, those at even or odd indices doubled."""

    @classmethod
    def of(cls, text: str, run: re.Match[str]) -> _Run:
        spans = [group.span() for group in _GROUP.finditer(text, *run.span())]
        digits = "".join([text[low:high] for low, high in spans])
        edges = list(accumulate((high - low for low, high in spans), initial=0))
        raw = digits.encode()
        single, doubled = raw.translate(_SINGLE), raw.translate(_DOUBLED)
        mixed = [bytearray(single), bytearray(single)]
        mixed[0][::2], mixed[1][1::2] = doubled[::2], doubled[1::2]
        sums = (list(accumulate(mixed[0], initial=0)), list(accumulate(mixed[1], initial=0)))
        begins = {index: low for index, (low, _) in zip(edges, spans, strict=False)}
        ends = {index: high for index, (_, high) in zip(edges[1:], spans, strict=True)}
        return cls(digits, begins, ends, sums)

    def is_checked(self, index: int, length: int) -> bool:
        """Whether a group ends after `length` digits and the last one checks them (as `luhn`)."""
        end = index + length
        if end not in self.ends:
            return False
        sums = self.sums[end % 2]  # the last digit, at `end - 1`, is not doubled; the one before it is
        return (sums[end] - sums[index]) % 10 == 0


@lru_cache(maxsize=16_384)
def _lengths(prefix: str) -> tuple[int, ...]:
    """The lengths that a number with these six digits at its beginning may have, longest first."""
    found = {n for low, high, lengths in _BRANDS if low <= prefix[: len(low)] <= high for n in lengths}
    return tuple(sorted(found, reverse=True))


def luhn(number: str) -> bool:
    """Whether the last of the digits checks the others (ISO/IEC 7812-1, annex B)."""
    raw = number.encode()
    return (sum(raw[-1::-2].translate(_SINGLE)) + sum(raw[-2::-2].translate(_DOUBLED))) % 10 == 0


def _is_something_else(text: str, start: int, end: int, number: str) -> bool:
    """Numbers that pass the check digit one time in ten, told by what they stand in."""
    whole = end - start == len(number)
    if _is_counting(text[start:end]):
        return True
    if whole and re.search(r"[0-9][.]\Z", text[max(0, start - 2) : start]):
        return True  # the digits after a decimal point
    if len(number) == 13 and (text[start - 1 : start] == "+" or (whole and _is_ean13(number))):
        return True  # a bar code or a phone number; Visa has not issued thirteen digits for decades
    return whole and _is_in_digest(text, start, end)


def _is_counting(text: str) -> bool:
    """Whether the groups are numbers each one more than the last, as in `9 10 11 12 13`."""
    groups = [int(group) for group in re.findall("[0-9]+", text)]
    return len(groups) > 2 and all(after - before == 1 for before, after in pairwise(groups))


def _is_ean13(number: str) -> bool:
    weighed = (int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(number))
    return sum(weighed) % 10 == 0


def _is_in_digest(text: str, start: int, end: int) -> bool:
    low, high = start, end
    while low > max(0, start - _HEX_DIGEST) and _HEX.match(text[low - 1]):
        low -= 1
    while high < min(len(text), end + _HEX_DIGEST) and _HEX.match(text[high]):
        high += 1
    return high - low >= _HEX_DIGEST
