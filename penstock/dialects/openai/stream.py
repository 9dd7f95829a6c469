"""Chat completions as a stream: events in, parts for whoever reads; edited chunks out.

    PassingStream  bytes → bytes, as they came, and what the gateway must know of them (`stream_passing`)
    GuardedStream  bytes → bytes, every text by a guard (`stream_guarded`)
    Collected      bytes → the response that it would have been, and events again (`stream_collecting`)

They are made of these:

    sse.Parser     bytes  → events            however the upstream cuts them
    ChunkReader    events → Chunk · Done · Silence; joins characters that were cut (`stream_halves`)
    Chunk.parts    texts, calls, log probabilities, ends, usage, errors (`stream_chunk`)
    Chunk.unseen   what is in no field, as in every content
    Progress       which choices are open, and whether the stream is whole (`stream_progress`)
    ChunkWriter    chunks → bytes             as they came, edited, or made here (`stream_writer`)
    Channels       the growing texts, and where one ends and the next begins (`stream_channels`)
    Calls          fragments of calls → a response whose strings are fields (`stream_calls`)
    Repeats        what says a text again, held until the text has left (`stream_repeats`)
    Assembler      chunks → the response, and back by `as_stream` (`stream_assembly`)
"""

from __future__ import annotations

from dataclasses import dataclass

from penstock.dialects.openai.stream_assembly import Assembler, Template
from penstock.dialects.openai.stream_calls import Calls
from penstock.dialects.openai.stream_chunk import (
    CallPart,
    Chunk,
    ErrorPart,
    FinishPart,
    LogprobsPart,
    Part,
    TextPart,
    UsagePart,
)
from penstock.dialects.openai.stream_halves import pieces
from penstock.dialects.openai.stream_paths import CHUNK
from penstock.dialects.openai.stream_progress import DONE
from penstock.dialects.openai.stream_writer import ChunkWriter, as_stream
from penstock.dialects.sse import Event
from penstock.dialects.stream_halves import Halves

__all__ = [
    "CHUNK",
    "Assembler",
    "CallPart",
    "Calls",
    "Chunk",
    "ChunkReader",
    "ChunkWriter",
    "Done",
    "ErrorPart",
    "FinishPart",
    "Frame",
    "LogprobsPart",
    "Part",
    "Silence",
    "Template",
    "TextPart",
    "UsagePart",
    "as_stream",
]


@dataclass(frozen=True, slots=True)
class Done:
    """`[DONE]`: the stream is whole."""

    event: Event


@dataclass(frozen=True, slots=True)
class Silence:
    """What no client reads: a comment, a blank line, anything after `[DONE]`.

    Without a guard it passes as it came; under one it is not sent, but a keep-alive may stand for it.
    """

    event: Event


Frame = Chunk | Done | Silence


class ChunkReader:
    """Says of each event of one stream what it is."""

    __slots__ = ("_halves", "is_done")

    def __init__(self) -> None:
        self.is_done = False
        """Whether `[DONE]` has come. Not every upstream sends it."""
        self._halves = Halves(pieces)

    @property
    def waits(self) -> bool:
        """Whether half a character waits for its other half."""
        return self._halves.waits

    def read(self, event: Event) -> Frame:
        """Raises UpstreamError: `malformed` (no strict JSON object) or `cut` (the stream ended inside)."""
        if self.is_done or event.data is None or not event.data.strip():
            return Silence(event)
        if event.data.strip() == DONE:
            self._halves.require_none()
            self.is_done = True
            return Done(event)
        return Chunk.decode(event, self._halves.joined(event.data))

    def close(self) -> None:
        """The stream has ended. Raises UpstreamError `malformed` when it ended inside of a character."""
        self._halves.require_none()
