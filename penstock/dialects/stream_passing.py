"""A stream that nobody guards: it passes byte for byte, and is read for what the gateway must know of it.

Each event is parsed once, as laxly as Python does, so that nothing is refused that a client would take. What
is no JSON object passes too and says nothing here.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import Any, Generic, Protocol, TypeVar

from penstock.denial import Denial
from penstock.dialects.sse import Event, Parser
from penstock.errors import PenstockError, UpstreamError
from penstock.evidence.record import Usage


class Progress(Protocol):
    """How far a stream has come, in any dialect."""

    @property
    def has_ended(self) -> bool:
        """Whether the caller could take for complete what has come so far."""

    @property
    def is_done(self) -> bool:
        """Whether the terminator has come."""

    @property
    def has_failed(self) -> bool: ...
    @property
    def usage(self) -> Usage | None: ...

    def require_whole(self) -> None:
        """At the end of the bytes. Raises UpstreamError `cut`, unless the upstream said that it failed."""


ProgressT = TypeVar("ProgressT", bound=Progress)


class Passing(ABC, Generic[ProgressT]):
    """Implements `penstock.streams.AnswerStream` without a guard, but for what a dialect's events mean.

    Holds one event at most until it is whole, and the ending: what could make a caller take the answer for
    complete, until the answer goes on all the same.
    """

    __slots__ = ("_is_open", "_kept", "_kept_bytes", "_max_kept_bytes", "_parser", "_progress")

    def __init__(self, progress: ProgressT, max_kept_bytes: int) -> None:
        self._parser = Parser()
        self._progress = progress
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._max_kept_bytes = max_kept_bytes
        self._is_open = False  # whether what was passed last lacks the blank line that ends it

    def feed(self, piece: bytes) -> bytes:
        return b"" if self._progress.is_done else self._all(self._parser.feed(piece))

    def due(self) -> bytes:
        return b""

    def close(self) -> bytes:
        passed = b"" if self.is_done else self._all(self._parser.close())
        self._progress.require_whole()
        return passed

    @property
    def is_done(self) -> bool:
        return self._progress.is_done

    @property
    def ending(self) -> bytes:
        return b"".join(self._kept)

    @property
    def usage(self) -> Usage | None:
        return self._progress.usage

    @property
    def has_failed(self) -> bool:
        return self._progress.has_failed

    def error(self, refusal: Denial | PenstockError, request_id: str) -> bytes:
        return (b"\n\n" if self._is_open else b"") + self._error(refusal, request_id)

    @abstractmethod
    def _passed(self, event: Event) -> bytes:
        """What leaves now that `event` has come."""

    @abstractmethod
    def _error(self, refusal: Denial | PenstockError, request_id: str) -> bytes: ...

    def _all(self, events: list[Event]) -> bytes:
        """What leaves of `events`. Those after the terminator are no part of the answer."""
        left: list[bytes] = []
        for event in events:
            left.append(self._passed(event))
            if self._progress.is_done:
                break
        return b"".join(left)

    def _sent(self, event: Event) -> bytes:
        self._is_open = not event.is_complete
        return event.raw

    def _kept_or_sent(self, event: Event) -> bytes:
        if not self._progress.has_ended:
            return self._sent(event)
        self._kept.append(event.raw)
        self._kept_bytes += len(event.raw)
        if self._kept_bytes > self._max_kept_bytes:
            message = f"The upstream sent more than {self._max_kept_bytes} bytes after the end of its answer."
            raise UpstreamError(message, outcome="too_large")
        return b""

    def _taken(self) -> bytes:
        taken = self.ending
        self._kept.clear()
        self._kept_bytes = 0
        return taken


def read(event: Event) -> dict[str, Any] | None:
    """The JSON of an event; None for all that says nothing."""
    if event.data is None:
        return None
    try:
        tree = json.loads(event.data)
    except (ValueError, RecursionError):
        return None
    return tree if type(tree) is dict else None
