"""Where a piece may begin, and whether what is found in it can be believed. Pure; places are absolute.

A piece is cut out of a text, so the matches near its beginning may be wrong: they lack what stands to
their left, and one wrong match can push the next ones out of step. Matches are in step again from any place
that has the finder's whole left context in the piece and where no match is open, neither in what was
applied before nor in what was found now: from there both scans are the same scan (docs/adr/0005-windows.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import pairwise

from penstock.sdk.edits import Replace

# A match rarely goes over a line, seldom over a space.
_MARKS = ("\n", " ")


def in_step(
    applied: Sequence[Replace], found: Sequence[Replace], trusted_from: int, released: int
) -> Sequence[Replace] | None:
    """Those of `found` that may be believed; None when there is no place to believe them from.

    `applied` is what was replaced in the text before `released`. `trusted_from` is the first place of the
    piece that has the whole left context. None also when both differ over text that was released.
    """
    point = _common_point(merge(applied, found), trusted_from)
    if point > released:
        return None
    before = [span for span in applied if point <= span.start]
    again = [span for span in found if point <= span.start < released]
    return [span for span in found if span.start >= released] if before == again else None


def _common_point(spans: Iterable[Replace], low: int) -> int:
    """The first place from `low` on where none of `spans` (in order) is open."""
    point = low
    for span in spans:
        if span.start < point < span.end:
            point = span.end
    return point


def fresh_starts(text: str, offset: int, applied: Sequence[Replace], low: int, high: int) -> Iterator[int]:
    """Places after `offset`, up to `high`, where no match was open: the one that is tried first comes first.

    `text` begins at `offset`. The first place is after `low`, at a line's end or a space if there is one;
    the second, for matches that follow each other closely, is wherever the last gap between them begins.
    """
    near = _before_open(applied, _mark(text, offset, max(low, offset + 1), high))
    if near > offset:
        yield near
    gap = _last_gap(applied, high)
    if offset < gap != near:
        yield gap


def _mark(text: str, offset: int, low: int, high: int) -> int:
    """The last place from `low` to `high` where a mark stands; `high` if there is none."""
    places = (text.rfind(mark, low - offset, high - offset + 1) for mark in _MARKS)
    return next((place + offset for place in places if place >= 0), high)


def _before_open(applied: Sequence[Replace], at: int) -> int:
    """`at`, or where the match begins that is open there."""
    return next((span.start for span in applied if span.start < at < span.end), at)


def _last_gap(applied: Sequence[Replace], high: int) -> int:
    """The end of the last match, up to `high`, that is not followed by another at once; 0 if none."""
    gaps = (first.end for second, first in pairwise(reversed(applied)) if first.end < second.start)
    return next((gap for gap in gaps if gap <= high), 0)
