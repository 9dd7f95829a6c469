"""How far a stream has come: whether it is whole, what it said of tokens, whether its upstream failed.

An answer is whole with `message_stop`. From `message_delta` on, which says why it ended, a caller could take
it for whole; so that, and what follows, waits for the ending.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.dialects.anthropic.stream_event import is_error
from penstock.dialects.anthropic.usage import counted
from penstock.dialects.stream_event import as_object, kind_of
from penstock.errors import UpstreamError
from penstock.evidence.record import Usage

_SAYING: Final = frozenset(
    {"message_start", "content_block_start", "content_block_delta", "content_block_stop"}
)


class Progress:
    """Reads each event's JSON once, as strict or as lax as it was parsed, and holds nothing that was said."""

    __slots__ = ("_usage", "has_ended", "has_failed", "is_done")

    def __init__(self) -> None:
        self._usage: dict[str, Any] = {}
        self.has_ended = False
        """Whether the answer has said why it ended, and nothing since."""
        self.is_done = False
        """Whether `message_stop` has come."""
        self.has_failed = False
        """Whether the upstream has said that it failed."""

    def read(self, tree: Mapping[str, Any]) -> bool:
        """Take in an event: whether it says something of the answer before its end."""
        kind = kind_of(tree)
        self._note_usage(as_object(tree.get("message")).get("usage"))
        self._note_usage(tree.get("usage"))
        self.has_failed = self.has_failed or is_error(tree)
        self.is_done = self.is_done or kind == "message_stop"
        is_saying = kind in _SAYING
        self.has_ended = not is_saying and (self.has_ended or kind in {"message_delta", "message_stop"})
        return is_saying

    @property
    def usage(self) -> Usage | None:
        """Tokens as the upstream counted them so far; None when it has not said."""
        return counted(self._usage) if self._usage else None

    def require_whole(self) -> None:
        """At the end of the bytes. Raises UpstreamError `cut`, unless the upstream said that it failed."""
        if not (self.is_done or self.has_failed):
            raise UpstreamError("The upstream's stream ended before its answer did.", outcome="cut")

    def _note_usage(self, usage: Any) -> None:
        """Counts are sums so far; one that is not said again stays (the client's `accumulate_event`)."""
        self._usage |= {name: value for name, value in as_object(usage).items() if value is not None}
