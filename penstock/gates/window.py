"""One windowed placement over one text channel of a stream: what may be let go, and what it is then.

             context             unreleased
        ┌──────────────┬──────────────┬──────────────┐
      start         released        limit          until        (places in the whole text)
        └──── the piece that `find` sees, unedited ──┘
                                      └ window_chars ┘

`start` is a sync point: no match was open there. It moves on only when what is found from the new one agrees
with what was applied (`window_sync`). Text goes up to `limit`; a match that is open there is held whole.

Memory and work per call do not grow with the stream: the context is two to three windows and the widest
match before them, the unreleased part at most a window, a hold and one step. What equality with the
unary result demands of a finder, and what happens otherwise: docs/adr/0005-windows.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from penstock.errors import FailureClass, PluginError
from penstock.gates.window_sync import fresh_starts, in_step
from penstock.sdk.edits import Replace, Span

# One look at a short text costs what calling a plugin costs: looking at less than this saves nothing.
MIN_STEP_CHARS: Final = 1024
# Windows between a new sync point and what is unreleased: one of left context, and one over which what is
# found has to agree with what was applied.
_CONTEXT_WINDOWS: Final = 2
# What may pass without a new sync point, or without a release, before the placement has failed, is twice the
# hold (a match as wide, and the step in which it goes) and eight windows, or this many for small ones.
_MIN_BOUND_CHARS: Final = 4096
# The text that stays back waits for characters, however long they take. To let it go by fourths of a window,
# each look bringing so much, shows a character about 16 times; by deltas as they come, any number of times.
_WINDOW_PARTS: Final = 4
# How often one look gives way before blocks that are not settled yet.
_MAX_RETREATS: Final = 3


class Found(NamedTuple):
    """What one call of a plugin's method found in a piece, in the piece's own coordinates."""

    spans: Sequence[Replace] = ()
    """In order, without overlap."""
    block: Span | None = None
    """A plugin that blocks says nothing of its edits: with a block, `spans` are not read."""
    reason: str = ""


Find = Callable[[str, bool], Found]
"""`find(piece, is_end)`: what is in `piece`; `is_end` when the text ends where the piece ends."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """The verdict that ends a channel. `span` is in the text that the stage saw, from its beginning."""

    span: Span
    reason: str


class HoldExceededError(PluginError):
    """The declared bounds do not hold what the plugin finds. `on_error` decides what becomes of the rest.

    Usually that is known before anything of it is released; "looks different now" says that it was not.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(FailureClass.CONTRACT, detail)


class Window:
    """Feeds a text to `find` piece by piece and lets go what is settled. One per placement and channel.

    What it gave is always a prefix of the text edited whole. An exception, of `find` or its own, loses
    nothing: `give_up` hands out what is still here.
    """

    def __init__(
        self,
        find: Find,
        window_chars: int,
        max_hold_chars: int | None = None,
        *,
        min_step_chars: int = MIN_STEP_CHARS,
    ) -> None:
        """`window_chars` (>= 1) is the widest match, or how much of one makes `find` report it as open.

        `max_hold_chars` is the widest match at all; None or less than the window: the window.
        """
        self.edits = 0
        """Replacements so far, each counted once however often it was found."""
        self.has_changed = False
        """Whether one of them put something else in the place of what stood there."""
        self.shown_chars = 0
        """How much of the text `find` was shown, however often."""
        self._find = find
        self._window_chars = window_chars
        self._hold_chars = max(max_hold_chars or 0, window_chars)
        self._step_chars = max(window_chars + self._hold_chars, min_step_chars)
        self._bound_chars = max(8 * window_chars + 2 * self._hold_chars, _MIN_BOUND_CHARS)
        self._text = ""
        self._start = self._released = 0
        self._waiting: deque[str] = deque()
        self._stride_chars = max(1, window_chars // _WINDOW_PARTS)
        self._look_at = window_chars + 1
        self._move_at = (_CONTEXT_WINDOWS + 1) * window_chars
        self._applied: list[Replace] = []
        self._ready: list[str] = []
        self._blocked: Blocked | None = None
        self._is_over = self._has_given_up = False

    def feed(self, text: str) -> str | Blocked:
        """The text that may go now that `text` has come. Raises HoldExceededError, and what `find` raises."""
        if self._has_given_up or self._blocked:
            return self._blocked or text
        if self._is_over:
            raise RuntimeError("text was fed to a window after its end")
        self._waiting.extend(self._steps(text))
        self._take_in(is_end=False)
        return self._blocked or self._taken()

    def end(self, text: str = "") -> str | Blocked:
        """The rest, `text` being the last of it. Raises as `feed`; a second call gives nothing more."""
        if self._has_given_up or self._blocked:
            return self._blocked or text
        if self._is_over:
            return ""
        self._waiting.extend(self._steps(text))
        self._take_in(is_end=True)
        if not self._blocked:
            self._look_last()
        self._is_over = True
        return self._blocked or self._taken()

    def give_up(self) -> str:
        """All that is here, unedited where it was not released; later text passes as it comes."""
        rest = [self._taken(), self._text[self._released - self._start :], *self._waiting]
        self._text, self._has_given_up = "", True
        self._waiting.clear()
        return "".join(rest)

    @property
    def _size(self) -> int:
        return self._start + len(self._text)

    def _steps(self, text: str) -> Iterator[str]:
        return (text[at : at + self._step_chars] for at in range(0, len(text), self._step_chars))

    def _take_in(self, *, is_end: bool) -> None:
        """Step by step, look at what waits, but not at the last of it when the end is looked at anyway."""
        more = True
        while more and not self._blocked:
            self._text += self._waiting.popleft() if self._waiting else ""
            more = bool(self._waiting)
            if self._size >= self._look_at and (more or not is_end):
                self._look(self._size)

    def _look(self, size: int) -> None:
        until, self._look_at = size, 0
        found = self._believed(until, is_end=False)
        for _ in range(_MAX_RETREATS):
            if found.block is None or self._is_settled(found.block, until):
                break
            # Not settled, and it hides the edits before it: they are looked for in the text without it.
            self._look_at = max(self._look_at, found.block.end + self._window_chars)
            until = min(found.block.start, until - 1)
            if until - self._window_chars <= self._released:
                break
            found = self._believed(until, is_end=False)
        self._act(found, until)
        if size - self._released > self._bound_chars:
            raise HoldExceededError("blocks that come to nothing keep back more than the hold")

    def _look_last(self) -> None:
        found = self._believed(self._size, is_end=True)
        if found.block is not None:
            self._blocked = Blocked(found.block, found.reason)
        else:
            self._release(found.spans, self._size + 1)

    def _is_settled(self, block: Span, until: int) -> bool:
        """Whether a window follows it; one wider than the hold has begun too long ago to come to nothing."""
        end = max(block.end, block.start + 1)  # an empty one is told by the character at its place
        return end + self._window_chars <= until or block.end - block.start > self._hold_chars

    def _act(self, found: Found, until: int) -> None:
        if found.block is None:
            self._release(found.spans, until - self._window_chars)
        elif self._is_settled(found.block, until):
            self._blocked = Blocked(found.block, found.reason)

    def _release(self, spans: Sequence[Replace], limit: int) -> None:
        """Let go what is before `limit`, or before a match that is open there."""
        begun = [span for span in spans if span.start < limit]
        if begun and begun[-1].end > limit:
            # An insertion at the place where that match begins waits with it.
            limit = begun[-1].start
            self._look_at = max(self._look_at, begun[-1].end + self._window_chars)
        for span in begun:
            if span.end - span.start > self._hold_chars:
                raise HoldExceededError(f"a match is wider than {self._hold_chars} characters")
            if span.start < limit:
                self._apply(span)
        self._let_go(limit)
        self._look_at = max(self._look_at, self._released + self._window_chars + self._stride_chars)

    def _apply(self, span: Replace) -> None:
        self._let_go(span.start)
        self._ready.append(span.text)
        self.has_changed |= self._text[span.start - self._start : span.end - self._start] != span.text
        self._released = span.end
        self._applied.append(span)
        self.edits += 1

    def _let_go(self, end: int) -> None:
        end = min(end, self._size)
        self._ready.append(self._text[self._released - self._start : end - self._start])
        self._released = end

    def _taken(self) -> str:
        taken = "".join(self._ready)
        self._ready.clear()
        return taken

    def _believed(self, until: int, *, is_end: bool) -> Found:
        """What is found in the unreleased text before `until`, from a sync point that stood the test."""
        found = self._moved(until, is_end=is_end) if self._released >= self._move_at else None
        if found is None and self._released - self._start > self._bound_chars:
            raise HoldExceededError("matches follow each other without a place to begin anew")
        if found is None:
            found = self._checked(self._start, until, is_end=is_end)
        if found is None:
            raise HoldExceededError(
                f"text that was released looks different now: matches need more than {self._window_chars}"
                " characters to be told"
            )
        return found

    def _moved(self, until: int, *, is_end: bool) -> Found | None:
        """What is found from a later sync point, which is kept; None when the old one has to serve on."""
        high = self._released - _CONTEXT_WINDOWS * self._window_chars
        for start in fresh_starts(
            self._text, self._start, self._applied, high - self._window_chars // 2, high
        ):
            found = self._checked(start, until, is_end=is_end)
            if found is not None and found.block is not None:
                return None  # it hides the spans that would have to agree: the next look may tell
            if found is not None:
                self._begin_at(start)
                return found
        # The longer none agrees, the less often it is tried: trying costs two calls.
        context_chars = self._released - self._start
        self._move_at = self._released + max(self._window_chars // 2, context_chars // 8)
        return None

    def _begin_at(self, start: int) -> None:
        self._text = self._text[start - self._start :]
        self._applied = [span for span in self._applied if span.start >= start]
        self._start = start
        self._move_at = start + (_CONTEXT_WINDOWS + 1) * self._window_chars

    def _checked(self, start: int, until: int, *, is_end: bool) -> Found | None:
        """What is new in the piece from `start`; None when it does not agree with what was released."""
        found = self._asked(start, until, is_end=is_end)
        if found.block is not None:
            return found if found.block.start >= self._released else None
        trusted_from = start + self._window_chars if start else 0
        spans = in_step(self._applied, found.spans, trusted_from, self._released)
        return None if spans is None else Found(spans)

    def _asked(self, start: int, until: int, *, is_end: bool) -> Found:
        """What `find` says of the piece, in places of the whole text."""
        piece = self._text[start - self._start : until - self._start]
        self.shown_chars = max(self.shown_chars, until)
        spans, block, reason = self._find(piece, is_end)
        _require_order(spans if block is None else [block], len(piece))
        moved = [Replace(first + start, last + start, text) for first, last, text in spans]
        return Found(moved, block and Span(block.start + start, block.end + start), reason)


def _require_order(spans: Sequence[Replace | Span], size: int) -> None:
    at = 0
    for start, end, *_ in spans:
        if start < at or end < start or end > size:
            raise PluginError(FailureClass.CONTRACT, "replacements overlap or leave the text")
        at = end
