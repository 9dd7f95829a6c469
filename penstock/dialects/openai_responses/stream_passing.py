"""A streamed response that nobody guards."""

from __future__ import annotations

from typing_extensions import override

from penstock.denial import Denial
from penstock.dialects import stream_passing
from penstock.dialects.openai_responses.stream_assembly import error_event
from penstock.dialects.openai_responses.stream_progress import MAX_ENDING_BYTES, Progress
from penstock.dialects.sse import Event
from penstock.errors import PenstockError


class PassingStream(stream_passing.Passing[Progress]):
    """Holds the ending: the event that holds the whole answer."""

    __slots__ = ("_count",)

    def __init__(self, *, max_kept_bytes: int = MAX_ENDING_BYTES) -> None:
        super().__init__(Progress(), max_kept_bytes)
        self._count = 0  # the number after the last one that passed

    @override
    def _passed(self, event: Event) -> bytes:
        tree = stream_passing.read(event)
        if tree is not None:
            self._progress.read(tree)
        if not self.is_done and tree is not None and type(tree.get("sequence_number")) is int:
            self._count = tree["sequence_number"] + 1
        return self._kept_or_sent(event)

    @override
    def _error(self, refusal: Denial | PenstockError, request_id: str) -> bytes:
        return error_event(refusal, request_id, self._count)
