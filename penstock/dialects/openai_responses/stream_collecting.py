"""A stream that is taken in whole: the answer that it would have been, and events again."""

from __future__ import annotations

from typing import Final

from penstock.content import Content
from penstock.dialects.openai_responses.echo import Echo
from penstock.dialects.openai_responses.responses import ResponsesResponse
from penstock.dialects.openai_responses.stream_assembly import Assembler, as_stream
from penstock.dialects.openai_responses.stream_event import StreamEvent, is_error
from penstock.dialects.openai_responses.stream_losses import Losses
from penstock.dialects.openai_responses.stream_progress import DONE, Progress
from penstock.dialects.sse import MAX_EVENT_BYTES, Event, Parser
from penstock.errors import UpstreamError
from penstock.evidence.record import Usage

# Events say a token in 250 bytes and more, and all of it four times: an answer of some 80,000.
_MAX_EVENTS_BYTES: Final = 4 * MAX_EVENT_BYTES


class Collected:
    """Implements `penstock.streams.CollectedStream`.

    Holds the answer, as much as a unary one may be (`max_bytes`), and beside it the events that said it,
    unless they are more than `max_events_bytes` together: then they are written anew.
    """

    def __init__(
        self,
        echo: Echo | None = None,
        *,
        max_bytes: int = MAX_EVENT_BYTES,
        max_events_bytes: int = _MAX_EVENTS_BYTES,
    ) -> None:
        self._echo = echo or Echo()
        self._max_bytes, self._said_bytes = max_bytes, 0
        self._max_events_bytes, self._events_bytes = max_events_bytes, 0
        self._parser, self._progress, self._assembler = Parser(), Progress(), Assembler()
        self._losses = Losses()
        self._events: list[bytes] = []
        self._response: ResponsesResponse | None = None

    def feed(self, piece: bytes) -> None:
        for event in self._parser.feed(piece):
            self._take(event.stripped())

    def close(self) -> None:
        for event in self._parser.close():
            self._take(event.stripped())
        self._progress.require_whole()

    def response(self) -> ResponsesResponse:
        if self._response is None:
            self._response = self._assembler.response(self._echo)
        return self._response

    def events(self, response: Content) -> bytes:
        if not isinstance(response, ResponsesResponse):
            raise TypeError("a response is streamed as one")
        is_too_much = self._events_bytes > self._max_events_bytes
        if response is self._response and not is_too_much and not self._losses.has(response.tree):
            return b"".join(self._events)
        return b"".join(as_stream(response))

    @property
    def usage(self) -> Usage | None:
        return self._progress.usage

    @property
    def has_failed(self) -> bool:
        return self._progress.has_failed

    def _take(self, event: Event) -> None:
        if event.data is None or not event.data.strip():
            return
        if self._progress.is_done:
            if event.data.strip() == DONE:
                self._events.append(event.raw)
            return
        came = StreamEvent.decode(event, self._echo)
        self._response = None
        self._progress.read(came.tree)
        if is_error(came.tree):
            return
        self._assembler.add(came.tree)
        self._losses.note(came)
        self._said_bytes += sum(len(value) for value in came.tree.values() if type(value) is str)
        if self._said_bytes > self._max_bytes:
            message = f"The upstream's answer is larger than {self._max_bytes} bytes."
            raise UpstreamError(message, outcome="too_large")
        self._hold(came.framed())

    def _hold(self, event: bytes) -> None:
        self._events_bytes += len(event)
        if self._events_bytes <= self._max_events_bytes:
            self._events.append(event)
        else:
            self._events.clear()
