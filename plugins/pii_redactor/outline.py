"""The outline of a text: one byte for each character, so that stretches worth a look are found in C.

Most text holds nothing: a detector that first asks the outline costs a microsecond a kilobyte there. An
outline leaves out nothing that a detector could find: each class is all that its patterns take.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from functools import cached_property

from penstock.sdk import Span

MIN_TOKEN_CHARS = 15  # the shortest key and the shortest token: a test compares it with every form

_TOKEN_CHARS = string.ascii_letters + string.digits + "_+/=.~%-"


def _table(classes: dict[str, str]) -> bytes:
    """What `bytes.translate` takes: the class of each character, and a line feed for all others."""
    table = bytearray(b"\n" * 256)
    for mark, members in classes.items():
        for char in members:
            table[ord(char)] = ord(mark)
    return bytes(table)


_TOKENS = _table({"x": _TOKEN_CHARS})
_FIGURES = _table({"0": string.digits, "a": string.ascii_letters, " ": " \t._/-", "(": "()"})
_SPELT = _table({"(": "[({<", "a": "aA", "t": "tT", " ": " "})
_TOKEN = b"x" * MIN_TOKEN_CHARS
# Gaps of phone numbers, which are wider than those of cards.
_STRETCH = re.compile(rb"0(?:[ (]{0,4}+0){6,}+")
# Backwards, because digits are rarer than letters: two digits, two letters, as IBANs begin.
_DAEH = re.compile(rb"0 {0,3}+0 {0,3}+a {0,3}+a")


class Outline:
    """The outlines of one text, each made when it is first asked for. Lives no longer than one search."""

    def __init__(self, text: str) -> None:
        # What is not ASCII is a question mark, of which no class knows.
        self._raw = text.encode("ascii", "replace")

    def token_stretches(self) -> Iterator[Span]:
        """Every longest stretch of characters that keys and tokens are made of, if it is long enough."""
        outline = self._raw.translate(_TOKENS)
        start = outline.find(_TOKEN)
        while start >= 0:
            end = outline.find(b"\n", start)
            end = len(outline) if end < 0 else end
            yield Span(start, end)
            start = outline.find(_TOKEN, end)

    @cached_property
    def digit_stretches(self) -> list[Span]:
        """Every longest stretch with seven digits or more, parted by no more than phone numbers are."""
        return [Span(*found.span()) for found in _STRETCH.finditer(self._figures)]

    def iban_heads(self) -> list[int]:
        """Where two letters begin that two digits follow, from left to right."""
        if b"0" not in self._figures:
            return []
        backwards = self._figures[::-1]
        return [len(backwards) - found.end() for found in _DAEH.finditer(backwards)][::-1]

    def has_spelt_at(self) -> bool:
        """Whether an opening bracket stands before `at`."""
        outline = self._raw.translate(_SPELT)
        return b"(at" in outline or b"( at" in outline

    @cached_property
    def _figures(self) -> bytes:
        return self._raw.translate(_FIGURES)
