"""Server-sent events of MCP: each carries one message, or says where to go on after a break.

MCP, "Sending Messages" and "Resumability and Redelivery" (2025-03-26 to 2025-11-25). What comes out is made
anew: comments, unknown names of events and unknown fields could carry words that no guard sees, and go.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from penstock.dialects import sse

_FIELD: Final = re.compile(rb"(?:^|[\r\n])(id|retry):[ ]?([^\r\n]*)")
_RETRY_MS: Final = re.compile(r"[0-9]{1,6}")


class Marks(NamedTuple):
    """What an event says beside its message: where a reader is, and how long it waits to come back (ms)."""

    event_id: str | None
    retry_ms: str | None


def is_message(event: sse.Event) -> bool:
    """Whether its data is a message. MCP's clients read events called `message`, or called nothing."""
    return bool(event.data) and event.event in {None, "message"}


def marks(event: sse.Event) -> Marks:
    """Of several lines the last one counts, as in the standard. Not UTF-8, or no number: as if not there."""
    found = {name: value.decode("utf-8", "replace") for name, value in _FIELD.findall(event.raw)}
    event_id, retry_ms = found.get(b"id"), found.get(b"retry")
    return Marks(event_id or None, retry_ms if retry_ms and _RETRY_MS.fullmatch(retry_ms) else None)


def encode(message: bytes, said: Marks) -> bytes:
    """An event. Without a message it only says where the reader is: its data is empty."""
    lines = [] if not message else [b"event: message"]
    if said.event_id is not None:
        lines.append(b"id: " + said.event_id.encode())
    if said.retry_ms is not None:
        lines.append(b"retry: " + said.retry_ms.encode())
    data = b"\n".join(b"data: " + line for line in message.splitlines()) or b"data:"
    return b"\n".join([*lines, data]) + b"\n\n"
