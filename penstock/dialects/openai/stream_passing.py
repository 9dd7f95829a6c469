"""A stream of chunks that nobody guards. What is no JSON object ends no choice and opens none.

The OpenAI clients raise at such an event, so nobody takes it for an end.
"""

from __future__ import annotations

from typing_extensions import override

from penstock.denial import Denial
from penstock.dialects import stream_passing
from penstock.dialects.openai.stream_chunk import is_error
from penstock.dialects.openai.stream_progress import DONE, Progress, is_usage_alone
from penstock.dialects.openai.stream_writer import error_event
from penstock.dialects.sse import MAX_EVENT_BYTES, Event
from penstock.errors import PenstockError


class PassingStream(stream_passing.Passing[Progress]):
    """Holds the ending from where every choice has ended, until somebody says more."""

    __slots__ = ("_hide_usage",)

    def __init__(self, *, hide_usage: bool = False, max_kept_bytes: int = MAX_EVENT_BYTES) -> None:
        super().__init__(Progress(), max_kept_bytes)
        self._hide_usage = hide_usage

    @override
    def _passed(self, event: Event) -> bytes:
        data = event.data
        if data is not None and data[:1] != "{" and data.strip() == DONE:
            self._progress.is_done = True
        tree = stream_passing.read(event)
        if tree is None:
            return self._kept_or_sent(event)
        speaking = self._progress.read(tree)
        if self._hide_usage and is_usage_alone(tree):
            return b""
        goes_on = bool(speaking) or not self._progress.has_ended  # or begins: a role without a word
        before = self._taken() if goes_on or is_error(tree) else b""
        return before + (self._sent(event) if is_error(tree) else self._kept_or_sent(event))

    @override
    def _error(self, refusal: Denial | PenstockError, request_id: str) -> bytes:
        return error_event(refusal, request_id)
