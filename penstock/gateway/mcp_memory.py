"""What this environment has seen of servers' tools lately: which are as approved, and which have changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

# How long a list is believed. Shorter, and each call asks the server for its list; longer, and a tool that
# has changed can be called for longer by who still has the old list.
FRESH_S: Final = 300.0
MAX_SERVERS: Final = 256


@dataclass(frozen=True, slots=True)
class _Seen:
    digests: Mapping[str, str]
    until: float


class ToolMemory:
    """One per environment. Lists differ by caller only in what servers show to whom, so it is by server."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    def remember(self, server: str, digests: Mapping[str, str]) -> None:
        """A list, or a page of one, that `server` has just sent: tool → digest of its definition."""
        now = self._clock()
        known = self._seen.get(server)
        kept = dict(known.digests) if known is not None and now < known.until else {}
        if len(self._seen) >= MAX_SERVERS:
            self._seen.clear()
        self._seen[server] = _Seen({**kept, **digests}, now + FRESH_S)

    def digest(self, server: str, tool: str) -> str | None:
        """What the tool's definition was when it was last seen; None when that is too long ago."""
        known = self._seen.get(server)
        if known is None or self._clock() >= known.until:
            return None
        return known.digests.get(tool)
