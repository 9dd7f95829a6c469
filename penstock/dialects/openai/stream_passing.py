"""A stream that nobody guards: it passes byte for byte, and is read for what the gateway must know of it.

Each event is parsed once, as laxly as Python does, so that nothing is refused that a client would take. What
is no JSON object passes too and says nothing here: it ends no choice and opens none. The OpenAI clients
raise at such an event, so nobody takes it for an end.
"""

from __future__ import annotations

import json
from typing import Any

from penstock.denial import Denial
from penstock.dialects.openai.stream_chunk import is_error
from penstock.dialects.openai.stream_progress import DONE, Progress, is_usage_alone
from penstock.dialects.openai.stream_writer import error_event
from penstock.dialects.sse import MAX_EVENT_BYTES, Event, Parser
from penstock.errors import PenstockError, UpstreamError
from penstock.evidence.record import Usage


class PassingStream:
    """Implements `penstock.streams.AnswerStream` without a guard.

    Holds one event at most until it is whole, and the ending: from the event with which every choice has
    ended, or `[DONE]`, until somebody says more.
    """

    __slots__ = ("_hide_usage", "_is_open", "_kept", "_kept_bytes", "_max_kept_bytes", "_parser", "_progress")

    def __init__(self, *, hide_usage: bool = False, max_kept_bytes: int = MAX_EVENT_BYTES) -> None:
        self._parser = Parser()
        self._progress = Progress()
        self._hide_usage = hide_usage
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._max_kept_bytes = max_kept_bytes
        self._is_open = False  # whether what was passed last lacks the blank line that ends it

    def feed(self, piece: bytes) -> bytes:
        return b"".join([self._passed(event) for event in self._parser.feed(piece)])

    def due(self) -> bytes:
        return b""

    def close(self) -> bytes:
        passed = b"".join([self._passed(event) for event in self._parser.close()])
        self._progress.require_whole()
        return passed

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
        return (b"\n\n" if self._is_open else b"") + error_event(refusal, request_id)

    def _passed(self, event: Event) -> bytes:
        """What leaves now that `event` has come."""
        tree = self._read(event)
        if tree is None:
            return self._kept_or_sent(event)
        speaking = self._progress.read(tree)
        if self._hide_usage and is_usage_alone(tree):
            return b""
        goes_on = bool(speaking) or not self._progress.has_ended  # or begins: a role without a word
        before = self._taken() if goes_on or is_error(tree) else b""
        return before + (self._sent(event) if is_error(tree) else self._kept_or_sent(event))

    def _read(self, event: Event) -> dict[str, Any] | None:
        """The JSON of a chunk; None for all else."""
        data = event.data
        if data is None or self._progress.is_done:
            return None
        if data[:1] != "{" and data.strip() == DONE:
            self._progress.is_done = True
            return None
        try:
            tree = json.loads(data)
        except (ValueError, RecursionError):
            return None
        return tree if type(tree) is dict else None

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
