"""A stream that is taken in whole: the answer that it would have been, and events again."""

from __future__ import annotations

from typing_extensions import override

from penstock.content import Content
from penstock.dialects.openai_responses.echo import Echo
from penstock.dialects.openai_responses.responses import ResponsesResponse
from penstock.dialects.openai_responses.stream_assembly import Assembler, as_stream
from penstock.dialects.openai_responses.stream_event import EventReader, is_error
from penstock.dialects.openai_responses.stream_losses import Losses
from penstock.dialects.openai_responses.stream_progress import Progress
from penstock.dialects.sse import MAX_EVENT_BYTES, Event
from penstock.dialects.stream_collecting import MAX_EVENTS_BYTES, Collecting


class Collected(Collecting[Progress, ResponsesResponse]):
    """The events are written anew too when they say anything that is not in the answer (`stream_losses`)."""

    def __init__(
        self,
        echo: Echo | None = None,
        *,
        max_bytes: int = MAX_EVENT_BYTES,
        max_events_bytes: int = MAX_EVENTS_BYTES,
    ) -> None:
        super().__init__(Progress(), max_bytes, max_events_bytes)
        self._echo = echo or Echo()
        self._reader, self._assembler, self._losses = EventReader(self._echo), Assembler(), Losses()

    @override
    def events(self, response: Content) -> bytes:
        if not isinstance(response, ResponsesResponse):
            raise TypeError("a response is streamed as one")
        is_same = response is self._response and self._are_events_held
        if is_same and not self._losses.has(response.tree):
            return b"".join(self._events)
        return b"".join(as_stream(response))

    @override
    def _assembled(self) -> ResponsesResponse:
        return self._assembler.response(self._echo)

    @override
    def _take(self, event: Event) -> None:
        came = self._reader.read(event)
        if came is None:
            return
        self._progress.read(came.tree)
        if is_error(came.tree):
            return
        self._assembler.add(came.tree)
        self._losses.note(came)
        self._said(sum(len(value) for value in came.tree.values() if type(value) is str))
        self._hold(came.framed())
