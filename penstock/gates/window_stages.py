"""Several windows in a row over one channel, and the gathering of small deltas in front of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from penstock.gates.window import Blocked, Window

# Deltas are tokens, about four characters each, often 10 to 30 ms apart: a call then serves two to five of
# them, more when they come faster, and nothing waits longer than a reader notices. For the bench to confirm.
GATHER_CHARS: Final = 64
GATHER_MS: Final = 50


class Stages:
    """Windows in the order of their placements; each sees what the one before let go.

    The text that comes out is that of the unary gate. So is the verdict; yet when two stages block, which of
    them is named is the one whose span is settled first, where the unary gate names the first in order.
    """

    def __init__(self, windows: Sequence[Window]) -> None:
        self.current = 0
        """The stage that ran last: when an exception comes out, the one that raised it."""
        self._windows = tuple(windows)

    def feed(self, text: str) -> str | Blocked:
        """As `Window.feed`. Raises what a stage raises; what that stage holds waits for `give_up`."""
        return self._through(0, text)

    def end(self) -> str | Blocked:
        """As `Window.end`. When a stage raises and is given up, call it again for the stages after it."""
        text = ""
        for stage, window in enumerate(self._windows):
            self.current = stage
            out = window.end(text)
            if isinstance(out, Blocked):
                return replace(out, stage=stage)
            text = out
        return text

    def give_up(self, stage: int) -> str | Blocked:
        """Go on without that stage: what it holds goes, unedited by it, through the stages after it."""
        return self._through(stage + 1, self._windows[stage].give_up())

    def _through(self, first: int, text: str) -> str | Blocked:
        for stage in range(first, len(self._windows)):
            if not text:
                break
            self.current = stage
            out = self._windows[stage].feed(text)
            if isinstance(out, Blocked):
                return replace(out, stage=stage)
            text = out
        return text


class Coalescer:
    """Gathers small deltas until a call is worth its cost, or the oldest of them has waited long enough."""

    def __init__(self, min_chars: int, max_ms: float, clock: Callable[[], float]) -> None:
        """`clock` gives seconds, monotonic. `max_ms` of 0 gathers nothing."""
        self._min_chars = min_chars
        self._max_ms = max_ms
        self._clock = clock
        self._waiting: list[str] = []
        self._chars = 0
        self._due = 0.0

    def add(self, text: str) -> str:
        """All that waits, with `text`, when it is due; else nothing."""
        if not text:
            return self.take_due()
        if not self._waiting:
            self._due = self._clock() + self._max_ms / 1000
        self._waiting.append(text)
        self._chars += len(text)
        return self.take() if self._chars >= self._min_chars else self.take_due()

    def take_due(self) -> str:
        """What waits, when its time has come: for who waits for the upstream no longer than `wait_ms`."""
        return self.take() if self.wait_ms() == 0 else ""

    def take(self) -> str:
        """What waits, whatever the time: at the end, and before an event that must not overtake it."""
        text = "".join(self._waiting)
        self._waiting.clear()
        self._chars = 0
        return text

    def wait_ms(self) -> float | None:
        """For how long the oldest may still wait; None when nothing waits."""
        return max(0.0, (self._due - self._clock()) * 1000) if self._waiting else None
