"""What streams that are taken in whole have in common: the answer, and beside it the events that said it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final, Generic, TypeVar

from penstock.content import Content
from penstock.dialects.sse import MAX_EVENT_BYTES, Event, Parser
from penstock.dialects.stream_passing import ProgressT
from penstock.errors import UpstreamError
from penstock.evidence.record import Usage

# Events say a token in 100 bytes (messages) or 250 and more: this is an answer of 80,000 tokens at least.
MAX_EVENTS_BYTES: Final = 4 * MAX_EVENT_BYTES

ResponseT = TypeVar("ResponseT", bound=Content)


class Collecting(ABC, Generic[ProgressT, ResponseT]):
    """Implements `penstock.streams.CollectedStream`, but for what a dialect's events mean.

    Holds the answer, as much as a unary one may be (`max_bytes`), and beside it the events that said it,
    unless they are more than `max_events_bytes` together: then they are written anew.
    """

    def __init__(self, progress: ProgressT, max_bytes: int, max_events_bytes: int) -> None:
        self._progress = progress
        self._parser = Parser()
        self._max_bytes, self._said_bytes = max_bytes, 0
        self._max_events_bytes, self._events_bytes = max_events_bytes, 0
        self._events: list[bytes] = []
        self._response: ResponseT | None = None

    def feed(self, piece: bytes) -> None:
        if not self.is_done:
            self._take_all(self._parser.feed(piece))

    def close(self) -> None:
        if not self.is_done:
            self._take_all(self._parser.close())
        self._progress.require_whole()

    def response(self) -> ResponseT:
        if self._response is None:
            self._response = self._assembled()
        return self._response

    @abstractmethod
    def events(self, response: Content) -> bytes: ...

    @property
    def is_done(self) -> bool:
        return self._progress.is_done

    @property
    def usage(self) -> Usage | None:
        return self._progress.usage

    @property
    def has_failed(self) -> bool:
        return self._progress.has_failed

    @abstractmethod
    def _take(self, event: Event) -> None:
        """One more event, stripped. Raises UpstreamError."""

    @abstractmethod
    def _assembled(self) -> ResponseT:
        """The answer so far."""

    @property
    def _are_events_held(self) -> bool:
        return self._events_bytes <= self._max_events_bytes

    def _take_all(self, events: list[Event]) -> None:
        """Take `events` as far as the answer goes."""
        for event in events:
            if self.is_done:
                return
            self._take(event.stripped())

    def _said(self, size_bytes: int) -> None:
        """The answer has grown by so much."""
        self._response = None
        self._said_bytes += size_bytes
        if self._said_bytes > self._max_bytes:
            message = f"The upstream's answer is larger than {self._max_bytes} bytes."
            raise UpstreamError(message, outcome="too_large")

    def _hold(self, event: bytes) -> None:
        self._events_bytes += len(event)
        if self._are_events_held:
            self._events.append(event)
        else:
            self._events.clear()
