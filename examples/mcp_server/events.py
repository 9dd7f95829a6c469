"""Remembers the events of streams, so that a client whose connection broke gets the rest of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.types import JSONRPCMessage


@dataclass
class MemoryEvents(EventStore):
    """As long as a session lives. An id is the event's number in the order in which they came."""

    _events: list[tuple[str, JSONRPCMessage | None]] = field(default_factory=list)

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        """Keep one event; None: the one that opens a stream."""
        self._events.append((stream_id, message))
        return str(len(self._events))

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        """Send what came later in the same stream; None when there is no such event."""
        if not last_event_id.isdecimal() or not 0 < int(last_event_id) <= len(self._events):
            return None
        last = int(last_event_id)
        stream_id, _ = self._events[last - 1]
        for number, (stream, message) in enumerate(self._events[last:], start=last + 1):
            if stream == stream_id and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream_id
