"""A circuit breaker for each placement, in each environment.

It counts only failures that are the plugin's surroundings' (`unavailable`, `throttled`, `import`), never
ones that a single caller's input can cause. Open, it fails at once; after a while one trial is let through.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from penstock.errors import FailureClass

COUNTED: Final = frozenset({FailureClass.UNAVAILABLE, FailureClass.THROTTLED, FailureClass.IMPORT})
THRESHOLD: Final = 5  # in a row; fewer would open on one throttled burst of a cold function
OPEN_S: Final = 30.0  # the same as the configuration caches, so that a mended plugin is back within a minute


class Breaker:
    """Closed, open or half-open. `clock` in seconds, monotonic."""

    __slots__ = ("_clock", "_failures", "_open_until")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0

    def admits(self) -> bool:
        """Whether a call may go through now; when half-open, it is the one trial."""
        return self._failures < THRESHOLD or self._clock() >= self._open_until

    def succeeded(self) -> None:
        """The call went well: closed."""
        self._failures = 0

    def failed(self, failure: FailureClass) -> None:
        """The call failed. While half-open, a counted failure opens it again; any other closes it."""
        if failure not in COUNTED:
            self.succeeded()
            return
        self._failures += 1
        if self._failures >= THRESHOLD:
            self._open_until = self._clock() + OPEN_S
