"""A stream that is taken in whole: the message that it would have been, and events again."""

from __future__ import annotations

from typing_extensions import override

from penstock.content import Content
from penstock.dialects.anthropic.messages import MessagesResponse
from penstock.dialects.anthropic.stream_assembly import Assembler, as_stream
from penstock.dialects.anthropic.stream_event import EventReader, StreamEvent
from penstock.dialects.anthropic.stream_progress import Progress
from penstock.dialects.sse import MAX_EVENT_BYTES, Event
from penstock.dialects.stream_collecting import MAX_EVENTS_BYTES, Collecting


class Collected(Collecting[Progress, MessagesResponse]):
    """The events are written anew too when they say anything that is not in the answer (`stream_losses`), and
    when the upstream has failed.
    """

    def __init__(self, *, max_bytes: int = MAX_EVENT_BYTES, max_events_bytes: int = MAX_EVENTS_BYTES) -> None:
        super().__init__(Progress(), max_bytes, max_events_bytes)
        self._reader, self._assembler = EventReader(), Assembler()
        self._is_plain = True

    @override
    def events(self, response: Content) -> bytes:
        if not isinstance(response, MessagesResponse):
            raise TypeError("a message is streamed as one")
        if response is self._response and self._may_leave_as_came:
            return b"".join(self._events)
        events = as_stream(response)
        return b"".join(events[:-2] if self.has_failed else events)  # without what says that it is whole

    @property
    def _may_leave_as_came(self) -> bool:
        is_same = self._is_plain and not self._assembler.has_lost
        return self._are_events_held and is_same and not self.has_failed

    @override
    def _assembled(self) -> MessagesResponse:
        return self._assembler.response()

    @override
    def _take(self, event: Event) -> None:
        came = self._reader.read(event)
        if came is None:
            return
        came.require_kind()
        self._is_plain = self._is_plain and came.is_framed_plainly
        self._progress.read(came.tree)
        self._assembler.add(came.tree)
        self._said(_said_bytes(came))
        self._hold(came.framed())


def _said_bytes(came: StreamEvent) -> int:
    """What an event adds to the answer: of a delta its words, not what they come in."""
    said = came.delta or came.tree
    return sum(len(value) if type(value) is str else len(str(value)) for value in said.values())
