"""What streams under a guard have in common: what leaves with a step, what waits, and where they end.

Events that say nothing, as the start of an answer, wait for the first that does: an answer that is stopped
before it has not begun, and is refused like any other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final, Generic

from penstock.denial import Denial
from penstock.dialects.sse import Event, Parser
from penstock.dialects.stream_passing import ProgressT
from penstock.errors import PenstockError, UpstreamError
from penstock.evidence.record import Usage
from penstock.streams import Guard


class Guarded(ABC, Generic[ProgressT]):
    """Implements `penstock.streams.AnswerStream` with a guard, but for what a dialect's events mean.

    Holds what the guard holds; what says nothing yet up to `max_held_bytes`, the ending up to
    `max_ending_bytes`.
    """

    def __init__(self, guard: Guard, progress: ProgressT, max_held_bytes: int, max_ending_bytes: int) -> None:
        self._guard = guard
        self._progress = progress
        self._parser = Parser()
        self._max_held_bytes: Final = max_held_bytes
        self._max_ending_bytes: Final = max_ending_bytes
        self._out: list[bytes] = []  # what leaves with this step
        self._has_said = False
        self._silent_bytes = 0  # of what waits for the first event that says anything
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._failure: UpstreamError | None = None

    def feed(self, piece: bytes) -> bytes:
        self._require_sound()
        if self.is_done:
            return b""
        try:
            self._take_all(self._parser.feed(piece))
        except UpstreamError as failure:
            if not (self._out and self._has_said):
                raise
            self._failure = failure  # what came before it leaves, however the bytes were cut
        return self._left()

    def due(self) -> bytes:
        self._require_sound()
        self._say_due()
        return self._left()

    def close(self) -> bytes:
        self._require_sound()
        if not self.is_done:
            self._take_all(self._parser.close())
        if self._guard.denial is None:
            self._progress.require_whole()
            self._settle_all()
        self._has_said = True  # an answer that says nothing is one too
        return self._left()

    @property
    def is_done(self) -> bool:
        return self._progress.is_done

    @property
    def ending(self) -> bytes:
        return b"" if self._guard.denial else b"".join(self._kept)

    @property
    def usage(self) -> Usage | None:
        return self._progress.usage

    @property
    def has_failed(self) -> bool:
        return self._progress.has_failed

    @abstractmethod
    def error(self, refusal: Denial | PenstockError, request_id: str) -> bytes: ...

    @abstractmethod
    def _take(self, event: Event) -> None:
        """One more event, stripped. Raises UpstreamError."""

    @abstractmethod
    def _say_due(self) -> None:
        """What has waited to be gathered as long as it may leaves."""

    @abstractmethod
    def _settle_all(self) -> None:
        """The upstream has ended: what leaves before the ending. Raises UpstreamError."""

    def _require_sound(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _take_all(self, events: list[Event]) -> None:
        """Take `events` as far as the answer goes: to the terminator, or to a denial."""
        for event in events:
            if self._guard.denial is not None or self.is_done:
                return
            self._take(event.stripped())

    def _left(self) -> bytes:
        if self._guard.denial is None and not self._has_said:
            return b""
        left = b"" if self._guard.denial else b"".join(self._out)
        self._out.clear()
        return left

    def _leave(self, event: bytes, *, is_silent: bool = False) -> None:
        """`event` leaves with this step; `is_silent`: as soon as one does that says anything."""
        self._out.append(event)
        self._has_said = self._has_said or not is_silent
        if not self._has_said:
            self._silent_bytes += len(event)
            if self._silent_bytes > self._max_held_bytes:
                raise self._too_large("events before its answer")

    def _keep(self, event: bytes) -> None:
        """`event` is of the ending."""
        self._kept.append(event)
        self._kept_bytes += len(event)
        if self._kept_bytes > self._max_ending_bytes:
            raise self._too_large("events after the end of its answer", self._max_ending_bytes)

    def _send_kept(self) -> None:
        """The answer goes on all the same."""
        for event in self._kept:
            self._leave(event)
        self._kept.clear()
        self._kept_bytes = 0

    def _too_large(self, what: str, most_bytes: int | None = None) -> UpstreamError:
        most_bytes = self._max_held_bytes if most_bytes is None else most_bytes
        message = f"The upstream sent more than {most_bytes} bytes of {what}."
        return UpstreamError(message, outcome="too_large")
