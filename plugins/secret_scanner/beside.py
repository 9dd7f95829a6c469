"""Secrets without a form of their own, which stand near an id that has one.

An AWS access key id and its secret, a Twilio account and its auth token: both in the same two lines of a
file, in one row of a table, in one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from penstock.sdk import Span

from .placeholders import is_mixed, is_varied

NEAR_CHARS = 100


class Pair(NamedTuple):
    """`secret` within `NEAR_CHARS` of `id`; `mark` is text that every `id` begins with."""

    rule: str
    mark: str
    id: re.Pattern[str]
    secret: re.Pattern[str]
    accepts: Callable[[str], bool]


_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_TWILIO_SECRET = re.compile(r"(?<![A-Za-z0-9])[0-9a-f]{32}(?![A-Za-z0-9])")

PAIRS: tuple[Pair, ...] = (
    *(
        Pair(
            "aws_secret_access_key",
            prefix,
            re.compile(rf"(?<![A-Za-z0-9]){prefix}[A-Z0-9]{{16}}"),
            _AWS_SECRET,
            is_mixed,
        )
        for prefix in ("AKIA", "ASIA")
    ),
    # https://www.twilio.com/docs/glossary/what-is-a-sid: account SIDs begin with AC.
    Pair("twilio", "AC", re.compile(r"(?<![A-Za-z0-9])AC[0-9a-f]{32}"), _TWILIO_SECRET, is_varied),
)


def beside(pair: Pair, text: str) -> Iterator[Span]:
    """Every secret of `pair` in `text`; the same one twice where it stands between two ids."""
    if pair.mark not in text:
        return
    for known in pair.id.finditer(text):
        low, high = max(0, known.start() - NEAR_CHARS), known.end() + NEAR_CHARS
        for found in pair.secret.finditer(text, low, high):
            if pair.accepts(found[0]):
                yield Span(*found.span())
