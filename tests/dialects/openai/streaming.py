"""A gateway in small: reads a stream, edits what it says the slow way, and writes it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from penstock.dialects.openai.chat import ChatResponse
from penstock.dialects.openai.stream import (
    Assembler,
    CallPart,
    Calls,
    Chunk,
    ChunkReader,
    ChunkWriter,
    Done,
    FinishPart,
    Frame,
    TextPart,
)
from penstock.dialects.sse import Parser
from penstock.sdk.views import Texts
from penstock.streams import Channel

Change = Callable[[str], str]
FIELDS = ("response.text", "response.reasoning", "response.tool_calls")


def frames(*pieces: bytes) -> list[Frame]:
    parser, reader = Parser(), ChunkReader()
    events = [event for piece in pieces for event in parser.feed(piece)] + parser.close()
    return [reader.read(event) for event in events]


def chunks(*pieces: bytes) -> list[Chunk]:
    return [frame for frame in frames(*pieces) if isinstance(frame, Chunk)]


def assembled(*pieces: bytes) -> Assembler:
    assembler = Assembler()
    for frame in frames(*pieces):
        if isinstance(frame, Chunk):
            assembler.add(frame)
        assembler.is_done |= isinstance(frame, Done)
    return assembler


def edited(response: ChatResponse, change: Change, fields: Sequence[str] = FIELDS) -> ChatResponse:
    return response.edited([Texts(field, response.texts(field).texts).map(change) for field in fields])


class Holding:
    """Holds the last `held_chars` of every text back, and calls whole; the rest goes as `change` has it.

    `change` looks at each character by itself, so that what leaves must be what it makes of the whole.
    """

    def __init__(self, change: Change, held_chars: int) -> None:
        self.change, self.held_chars = change, held_chars
        self.writer, self.calls = ChunkWriter(), Calls()
        self.held: dict[Channel, str] = {}
        self.sent: list[bytes] = []

    def run(self, *pieces: bytes) -> bytes:
        for frame in frames(*pieces):
            if isinstance(frame, Chunk):
                self.chunk(frame)
            elif isinstance(frame, Done):
                self.flush(None)
                self.sent.append(self.writer.done())
        self.flush(None)
        return b"".join(self.sent)

    def chunk(self, chunk: Chunk) -> None:
        ended = {part.choice for part in chunk.parts if isinstance(part, FinishPart)}
        texts = [part for part in chunk.parts if isinstance(part, TextPart)]
        for part in texts:
            if part.channel.name == "content" and part.text:  # who has begun to answer has thought to an end
                self.flush_text(part.channel._replace(name="content.thinking"))
        new = {part: self.released(part) for part in texts}
        for part in texts:
            if part.choice in ended and part.channel not in [
                p.channel for p in texts[texts.index(part) + 1 :]
            ]:
                new[part] += self.change(self.held.pop(part.channel, ""))
        for call in chunk.parts:
            if isinstance(call, CallPart):
                self.calls.add(call)
        for choice in ended:
            self.flush(choice)
        if said := self.writer.edited(chunk, new, without_calls=True):
            self.sent.append(said)

    def released(self, part: TextPart) -> str:
        if part.is_whole:
            return self.change(part.text)
        text = self.held.get(part.channel, "") + part.text
        split = max(0, len(text) - self.held_chars)
        self.held[part.channel] = text[split:]
        return self.change(text[:split])

    def flush(self, choice: int | None) -> None:
        for channel in [c for c in self.held if choice in {None, c.choice}]:
            self.flush_text(channel)
        for number in range(3) if choice is None else (choice,):
            if (response := self.calls.take(number)) is not None:
                self.sent.append(self.writer.calls(edited(response, self.change, FIELDS[2:])))

    def flush_text(self, channel: Channel) -> None:
        if text := self.held.pop(channel, ""):
            self.sent.append(self.writer.text(channel, self.change(text)))
