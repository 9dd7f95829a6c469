"""A stream that is taken in whole: the response that it would have been, and events again."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from penstock.content import Content
from penstock.dialects.openai.chat import ChatResponse
from penstock.dialects.openai.stream import Chunk, ChunkReader, Done
from penstock.dialects.openai.stream_assembly import Assembler
from penstock.dialects.openai.stream_progress import Progress, is_usage_alone
from penstock.dialects.openai.stream_sizes import added_chars
from penstock.dialects.openai.stream_writer import as_stream
from penstock.dialects.sse import MAX_EVENT_BYTES, Event, Parser
from penstock.errors import UpstreamError
from penstock.evidence.record import Usage

# Events say a token in 250 bytes and more: this is an answer of some 80,000.
MAX_EVENTS_BYTES: Final = 4 * MAX_EVENT_BYTES


class Collected:
    """Implements `penstock.streams.CollectedStream`.

    Holds the answer, as much as a unary one may be (`max_chars`), and beside it the events that said it. They
    are written anew when they are more than `max_events_bytes` together, when they say anything that is not
    in the answer (`stream_losses`), and when the upstream has failed: without its own words for that.
    """

    def __init__(
        self,
        *,
        hide_usage: bool = False,
        max_chars: int = MAX_EVENT_BYTES,
        max_events_bytes: int = MAX_EVENTS_BYTES,
    ) -> None:
        self._hide_usage = hide_usage
        self._max_chars, self._chars = max_chars, 0
        self._max_events_bytes, self._events_bytes = max_events_bytes, 0
        self._parser, self._reader = Parser(), ChunkReader()
        self._progress, self._assembler = Progress(), Assembler()
        self._events: list[bytes] = []
        self._response: ChatResponse | None = None

    def feed(self, piece: bytes) -> None:
        for event in self._parser.feed(piece):
            self._take(event.stripped())

    def close(self) -> None:
        for event in self._parser.close():
            self._take(event.stripped())
        self._reader.close()
        self._progress.require_whole()

    def response(self) -> ChatResponse:
        if self._response is None:
            self._response = self._assembler.response()
        return self._response

    def events(self, response: Content) -> bytes:
        if not isinstance(response, ChatResponse):
            raise TypeError("a chat completion is streamed as one")
        if response is self._response and self._may_leave_as_came:
            return b"".join(self._events)
        template = self._assembler.template()
        if self.has_failed:
            template = replace(template, is_done=False)
        if self._hide_usage and template.usage == "apart":
            template = replace(template, usage="none")
        return b"".join(as_stream(response, template))

    @property
    def usage(self) -> Usage | None:
        return self._progress.usage

    @property
    def has_failed(self) -> bool:
        return self._progress.has_failed

    @property
    def _may_leave_as_came(self) -> bool:
        fits = self._events_bytes <= self._max_events_bytes
        return fits and not self.has_failed and not self._assembler.has_lost

    def _take(self, event: Event) -> None:
        frame = self._reader.read(event)
        if isinstance(frame, Chunk):
            self._add(frame)
            if not (self._hide_usage and is_usage_alone(frame.tree)):
                self._hold(event)
        elif isinstance(frame, Done):
            self._progress.is_done = self._assembler.is_done = True
            self._hold(event)

    def _add(self, chunk: Chunk) -> None:
        self._response = None
        self._progress.read(chunk.tree)
        self._assembler.add(chunk)
        self._chars += added_chars(chunk.tree)
        if self._chars > self._max_chars:
            message = f"The upstream's answer is larger than {self._max_chars} bytes."
            raise UpstreamError(message, outcome="too_large")

    def _hold(self, event: Event) -> None:
        self._events_bytes += len(event.raw)
        if self._events_bytes <= self._max_events_bytes:
            self._events.append(event.raw)
        else:
            self._events.clear()
