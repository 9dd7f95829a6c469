"""What may still become a match when more text comes: reported as an edit up to the end of a piece.

A window holds back any edit that reaches the end of what it showed, so an edit of what is open keeps it from
leaving until it is a match, or is none, or is wider than `max_hold_chars`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence

from penstock.errors import FailureClass, PluginError
from penstock.sdk.edits import Replace, Span
from penstock.sdk.patterns import bounds_problem, misfit, to_the_end

Opening = str | re.Pattern[str] | Callable[[str], int | None]
"""A pattern for what may still become a match; or where that begins in a text, None when nothing does."""


def require_fit(
    pattern: re.Pattern[str], window_chars: int, max_hold_chars: int, opening: Opening | None
) -> None:
    """Raises PluginError (`contract`) when the window could let go of a part of a match."""
    check = misfit if opening is None else bounds_problem
    problem = check(pattern, window_chars, max_hold_chars)
    if problem is not None:
        raise PluginError(FailureClass.CONTRACT, problem)


def with_open(text: str, spans: tuple[Replace, ...], opening: Opening) -> tuple[Replace, ...]:
    """`spans`, in order, and what is open in `text` as the last of them.

    A pattern is looked for outside of `spans`: what is a match already cannot become another. A callable
    knows its own finds: where it says that one of them is open, that is open from its beginning.
    """
    if callable(opening):
        at = opening(text)
        if at is None:
            return spans
        before = [span for span in spans if span.end <= at]
        at = min(at, spans[len(before)].start) if len(before) < len(spans) else at
    else:
        pattern = re.compile(opening) if isinstance(opening, str) else opening
        at = first_open(text, spans, pattern)
        if at is None:
            return spans
        before = [span for span in spans if span.start < at]
    return (*before, Replace(at, len(text), ""))


def first_open(text: str, spans: Sequence[Replace | Span], opening: re.Pattern[str]) -> int | None:
    """The first place outside of `spans` from which `opening` matches up to the very end; None for none."""
    pattern, at = to_the_end(opening), 0
    while (found := pattern.search(text, at)) is not None and found.start() < len(text):
        start = found.start()
        index = bisect_right(spans, start, key=lambda span: span.start) - 1
        if index < 0 or spans[index].end <= start:
            return start
        at = spans[index].end
    return None
