"""A stream that is taken in whole: the response that it would have been, and events again."""

from __future__ import annotations

from dataclasses import replace

from typing_extensions import override

from penstock.content import Content
from penstock.dialects.openai.chat import ChatResponse
from penstock.dialects.openai.stream import Chunk, ChunkReader, Done
from penstock.dialects.openai.stream_assembly import Assembler
from penstock.dialects.openai.stream_progress import Progress, is_usage_alone
from penstock.dialects.openai.stream_sizes import added_chars
from penstock.dialects.openai.stream_writer import as_stream
from penstock.dialects.sse import MAX_EVENT_BYTES, Event
from penstock.dialects.stream_collecting import MAX_EVENTS_BYTES, Collecting


class Collected(Collecting[Progress, ChatResponse]):
    """The events are written anew too when they say anything that is not in the answer (`stream_losses`), and
    when the upstream has failed: without its own words for that.
    """

    def __init__(
        self,
        *,
        hide_usage: bool = False,
        max_chars: int = MAX_EVENT_BYTES,
        max_events_bytes: int = MAX_EVENTS_BYTES,
    ) -> None:
        super().__init__(Progress(), max_chars, max_events_bytes)
        self._hide_usage = hide_usage
        self._reader, self._assembler = ChunkReader(), Assembler()

    @override
    def close(self) -> None:
        super().close()
        self._reader.close()

    @override
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
    def _may_leave_as_came(self) -> bool:
        return self._are_events_held and not self.has_failed and not self._assembler.has_lost

    @override
    def _assembled(self) -> ChatResponse:
        return self._assembler.response()

    @override
    def _take(self, event: Event) -> None:
        frame = self._reader.read(event)
        if isinstance(frame, Chunk):
            self._add(frame)
            if not (self._hide_usage and is_usage_alone(frame.tree)):
                self._hold(event.raw)
        elif isinstance(frame, Done):
            self._progress.is_done = self._assembler.is_done = True
            self._hold(event.raw)

    def _add(self, chunk: Chunk) -> None:
        self._progress.read(chunk.tree)
        self._assembler.add(chunk)
        self._said(added_chars(chunk.tree))
