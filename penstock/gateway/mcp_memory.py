"""What this environment has seen of servers' tools lately: which are as approved, and which have changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from penstock.mcp.names import folded

# How long a list is believed. Shorter, and each call asks the server for its list; longer, and a tool that
# has changed can be called for longer by who still has the old list.
FRESH_S: Final = 300.0
MAX_SERVERS: Final = 256


@dataclass(frozen=True, slots=True)
class _Seen:
    digest: str
    compared: str
    """The name as it is compared."""
    until: float


class ToolMemory:
    """One per environment. Lists differ by caller only in what servers show to whom, so it is by server."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, dict[str, _Seen]] = {}

    def remember(self, server: str, digests: Mapping[str, str]) -> None:
        """A list, or a page of one, that `server` has just sent: tool → digest of its definition."""
        now = self._clock()
        kept = {name: seen for name, seen in self._seen.get(server, {}).items() if now < seen.until}
        if len(self._seen) >= MAX_SERVERS:
            self._seen.clear()
        new = {name: _Seen(digest, folded(name), now + FRESH_S) for name, digest in digests.items()}
        self._seen[server] = kept | new

    def digest(self, server: str, tool: str) -> str | None:
        """What the tool's definition was when it was last seen; None when that is too long ago."""
        known = self._seen.get(server, {}).get(tool)
        return known.digest if known is not None and self._clock() < known.until else None

    def is_ambiguous(self, server: str, tool: str) -> bool:
        """Whether the server has lately shown a tool of this name in another spelling, on whatever page."""
        compared, now = folded(tool), self._clock()
        return any(
            seen.compared == compared and name != tool and now < seen.until
            for name, seen in self._seen.get(server, {}).items()
        )
