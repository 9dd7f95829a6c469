"""Gathers small deltas in front of the windows of one channel, so that a call is worth its cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

# Deltas are tokens, about four characters each, often 10 to 30 ms apart: a call then serves two to five of
# them, more when they come faster, and nothing waits longer than a reader notices. For the bench to confirm.
GATHER_CHARS: Final = 64
GATHER_MS: Final = 50


class Coalescer:
    """Gathers small deltas until a call is worth its cost, or the oldest of them has waited long enough."""

    def __init__(self, min_chars: int, max_ms: float, clock: Callable[[], float]) -> None:
        """`clock` gives seconds, monotonic. `max_ms` of 0 gathers nothing."""
        self._min_chars = min_chars
        self._max_s = max_ms / 1000
        self._clock = clock
        self._waiting: list[str] = []
        self._chars = 0
        self._due = 0.0

    def add(self, text: str) -> str:
        """All that waits, with `text`, when it is due; else nothing."""
        if not text:
            return self.take_due()
        if not self._waiting:
            self._due = self._clock() + self._max_s
        self._waiting.append(text)
        self._chars += len(text)
        return self.take() if self._chars >= self._min_chars else self.take_due()

    def take_due(self) -> str:
        """What waits, when its time has come: for who waits for the upstream no longer than `wait_ms`."""
        return self.take() if self._waiting and self._clock() >= self._due else ""

    def take(self) -> str:
        """What waits, whatever the time: at the end, and before an event that must not overtake it."""
        text = "".join(self._waiting)
        self._waiting.clear()
        self._chars = 0
        return text

    def wait_ms(self) -> float | None:
        """For how long the oldest may still wait; None when nothing waits."""
        return max(0.0, (self._due - self._clock()) * 1000) if self._waiting else None
