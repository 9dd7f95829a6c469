"""A stream that is taken in whole: the message that it would have been, and events again."""

from __future__ import annotations

from typing import Final

from penstock.content import Content
from penstock.dialects.anthropic.messages import MessagesResponse
from penstock.dialects.anthropic.stream_assembly import Assembler, as_stream
from penstock.dialects.anthropic.stream_event import StreamEvent
from penstock.dialects.anthropic.stream_progress import Progress
from penstock.dialects.sse import MAX_EVENT_BYTES, Event, Parser
from penstock.errors import UpstreamError
from penstock.evidence.record import Usage

# Events say a token in 100 bytes and more: this is an answer of some 200,000.
_MAX_EVENTS_BYTES: Final = 4 * MAX_EVENT_BYTES


class Collected:
    """Implements `penstock.streams.CollectedStream`.

    Holds the answer, as much as a unary one may be (`max_bytes`), and beside it the events that said it,
    unless they are more than `max_events_bytes` together, or say anything that is not in the answer
    (`stream_losses`), or the upstream has failed: then they are written anew.
    """

    def __init__(
        self, *, max_bytes: int = MAX_EVENT_BYTES, max_events_bytes: int = _MAX_EVENTS_BYTES
    ) -> None:
        self._max_bytes, self._said_bytes = max_bytes, 0
        self._max_events_bytes, self._events_bytes = max_events_bytes, 0
        self._parser, self._progress, self._assembler = Parser(), Progress(), Assembler()
        self._events: list[bytes] = []
        self._is_plain = True
        self._response: MessagesResponse | None = None

    def feed(self, piece: bytes) -> None:
        for event in self._parser.feed(piece):
            self._take(event.stripped())

    def close(self) -> None:
        for event in self._parser.close():
            self._take(event.stripped())
        self._progress.require_whole()

    def response(self) -> MessagesResponse:
        if self._response is None:
            self._response = self._assembler.response()
        return self._response

    def events(self, response: Content) -> bytes:
        if not isinstance(response, MessagesResponse):
            raise TypeError("a message is streamed as one")
        if response is self._response and self._may_leave_as_came:
            return b"".join(self._events)
        events = as_stream(response)
        return b"".join(events[:-2] if self.has_failed else events)  # without what says that it is whole

    @property
    def usage(self) -> Usage | None:
        return self._progress.usage

    @property
    def has_failed(self) -> bool:
        return self._progress.has_failed

    @property
    def _may_leave_as_came(self) -> bool:
        fits = self._events_bytes <= self._max_events_bytes
        return fits and self._is_plain and not self.has_failed and not self._assembler.has_lost

    def _take(self, event: Event) -> None:
        if self._progress.is_done or event.data is None or not event.data.strip():
            return
        came = StreamEvent.decode(event)
        came.require_kind()
        self._is_plain = self._is_plain and came.is_framed_plainly
        self._response = None
        self._progress.read(came.tree)
        self._assembler.add(came.tree)
        self._said_bytes += _said_bytes(came)
        if self._said_bytes > self._max_bytes:
            message = f"The upstream's answer is larger than {self._max_bytes} bytes."
            raise UpstreamError(message, outcome="too_large")
        self._hold(came)

    def _hold(self, came: StreamEvent) -> None:
        event = came.framed()
        self._events_bytes += len(event)
        if self._events_bytes <= self._max_events_bytes:
            self._events.append(event)
        else:
            self._events.clear()


def _said_bytes(came: StreamEvent) -> int:
    """What an event adds to the answer: of a delta its words, not what they come in."""
    said = came.delta or came.tree
    return sum(len(value) if type(value) is str else len(str(value)) for value in said.values())
