"""A stream that nobody guards: it passes byte for byte, and is read for what the gateway must know of it.

Each event is parsed once, as laxly as Python does, so that nothing is refused that a client would take. What
is no JSON object passes too and says nothing here.
"""

from __future__ import annotations

import json
from typing import Any

from penstock.denial import Denial
from penstock.dialects.openai_responses.stream_assembly import error_event
from penstock.dialects.openai_responses.stream_progress import MAX_ENDING_BYTES, Progress
from penstock.dialects.sse import Event, Parser
from penstock.errors import PenstockError, UpstreamError
from penstock.evidence.record import Usage


class PassingStream:
    """Implements `penstock.streams.AnswerStream` without a guard.

    Holds one event at most until it is whole, and the ending: the event that holds the whole answer, and what
    follows it.
    """

    __slots__ = ("_count", "_is_open", "_kept", "_kept_bytes", "_max_kept_bytes", "_parser", "_progress")

    def __init__(self, *, max_kept_bytes: int = MAX_ENDING_BYTES) -> None:
        self._parser = Parser()
        self._progress = Progress()
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._max_kept_bytes = max_kept_bytes
        self._is_open = False  # whether what was passed last lacks the blank line that ends it
        self._count = 0  # the number after the last one that passed

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
        return (b"\n\n" if self._is_open else b"") + error_event(refusal, request_id, self._count)

    def _passed(self, event: Event) -> bytes:
        """What leaves now that `event` has come."""
        tree = _read(event)
        if tree is not None:
            self._progress.read(tree)
        if self._progress.is_done:
            return self._held(event)
        if tree is not None and type(tree.get("sequence_number")) is int:
            self._count = tree["sequence_number"] + 1
        self._is_open = not event.is_complete
        return event.raw

    def _held(self, event: Event) -> bytes:
        self._kept.append(event.raw)
        self._kept_bytes += len(event.raw)
        if self._kept_bytes > self._max_kept_bytes:
            message = f"The upstream sent more than {self._max_kept_bytes} bytes after the end of its answer."
            raise UpstreamError(message, outcome="too_large")
        return b""


def _read(event: Event) -> dict[str, Any] | None:
    """The JSON of an event; None for all that says nothing."""
    if event.data is None:
        return None
    try:
        tree = json.loads(event.data)
    except (ValueError, RecursionError):
        return None
    return tree if type(tree) is dict else None
