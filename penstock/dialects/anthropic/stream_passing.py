"""A streamed message that nobody guards."""

from __future__ import annotations

from typing_extensions import override

from penstock.denial import Denial
from penstock.dialects import stream_passing
from penstock.dialects.anthropic.errors import error_event
from penstock.dialects.anthropic.stream_event import is_error
from penstock.dialects.anthropic.stream_progress import Progress
from penstock.dialects.sse import MAX_EVENT_BYTES, Event
from penstock.errors import PenstockError


class PassingStream(stream_passing.Passing[Progress]):
    """Holds the ending from the event that says why the answer ended, until it goes on all the same."""

    __slots__ = ()

    def __init__(self, *, max_kept_bytes: int = MAX_EVENT_BYTES) -> None:
        super().__init__(Progress(), max_kept_bytes)

    @override
    def _passed(self, event: Event) -> bytes:
        tree = stream_passing.read(event)
        if tree is None:
            return self._kept_or_sent(event)
        is_saying = self._progress.read(tree)
        if is_error(tree):
            return self._taken() + self._sent(event)
        return (self._taken() if is_saying else b"") + self._kept_or_sent(event)

    @override
    def _error(self, refusal: Denial | PenstockError, request_id: str) -> bytes:
        return error_event(refusal, request_id)
