"""How far a stream has come: whether it is whole, what it said of tokens, whether its upstream failed.

An answer is whole with `response.completed`, `response.incomplete` or `response.failed`, each of which holds
all of it. A caller could take it for whole from then on; so that, and what follows, waits for the ending.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.dialects.openai_responses.stream_event import TERMINAL, is_error
from penstock.dialects.openai_responses.usage import counted
from penstock.dialects.sse import MAX_EVENT_BYTES
from penstock.dialects.stream_event import as_object, kind_of
from penstock.errors import UpstreamError
from penstock.evidence.record import Usage

MAX_ENDING_BYTES: Final = MAX_EVENT_BYTES + 65_536
"""The event that holds the whole answer, and a little after it."""


class Progress:
    """Reads each event's JSON once, as strict or as lax as it was parsed, and holds nothing that was said."""

    __slots__ = ("_usage", "has_failed", "is_done")

    def __init__(self) -> None:
        self._usage: dict[str, Any] = {}
        self.is_done = False
        """Whether the event that holds the whole answer has come."""
        self.has_failed = False
        """Whether the upstream has said that it failed."""

    def read(self, tree: Mapping[str, Any]) -> None:
        """Take in an event."""
        kind = kind_of(tree)
        self._usage = as_object(as_object(tree.get("response")).get("usage")) or self._usage
        self.has_failed = self.has_failed or is_error(tree) or kind == "response.failed"
        self.is_done = self.is_done or kind in TERMINAL

    @property
    def has_ended(self) -> bool:
        """Whether the caller could take for complete what has come so far."""
        return self.is_done

    @property
    def usage(self) -> Usage | None:
        """Tokens as the upstream counted them so far; None when it has not said."""
        return counted(self._usage) if self._usage else None

    def require_whole(self) -> None:
        """At the end of the bytes. Raises UpstreamError `cut`, unless the upstream said that it failed."""
        if not (self.is_done or self.has_failed):
            raise UpstreamError("The upstream's stream ended before its answer did.", outcome="cut")
