"""What tests of streams read with, and guards in small."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from penstock.denial import Denial
from penstock.dialects.openai.chat import ChatResponse
from penstock.dialects.openai.stream import Assembler, Chunk, ChunkReader, Done, Frame, TextPart
from penstock.dialects.openai.stream_guarded import GuardedStream
from penstock.dialects.sse import Parser, encode
from penstock.sdk.views import Texts
from penstock.streams import AnswerStream, Channel, ContentT

Change = Callable[[str], str]
FIELDS = ("response.text", "response.reasoning", "response.tool_calls")
DENIAL = Denial("test.word", "It has a word that may not leave.", 403, "plugin_blocked")


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


def text_parts(body: bytes) -> list[TextPart]:
    return [part for chunk in chunks(body) for part in chunk.parts if isinstance(part, TextPart)]


def says(
    text: str = "", reason: str | None = None, index: int = 0, delta: Any = None, **members: Any
) -> bytes:
    own: dict[str, Any] = {name: members.pop(name) for name in ("logprobs", "x") if name in members}
    said: dict[str, Any] = {"content": text} if text else {}
    said |= delta or {}
    choice = {"index": index, "delta": said, "finish_reason": reason, **own}
    return encode(json.dumps({"id": "c", "object": "chat.completion.chunk", "choices": [choice], **members}))


def calls(*fragments: str, index: int = 0) -> bytes:
    listed = [{"index": at, "function": {"arguments": text}} for at, text in enumerate(fragments)]
    return says(index=index, delta={"tool_calls": listed})


def everything(stream: AnswerStream, *pieces: bytes) -> bytes:
    """All that leaves, the ending included."""
    return b"".join([*map(stream.feed, pieces), stream.close(), stream.ending])


def in_two(body: bytes, step: int = 1) -> list[tuple[bytes, bytes]]:
    return [(body[:at], body[at:]) for at in range(0, len(body) + 1, step)]


def byte_by_byte(body: bytes) -> list[bytes]:
    return [body[at : at + 1] for at in range(len(body))]


class FakeGuard:
    """Holds the last `held_chars` of every text back; what leaves is as `change` has it.

    `change` looks at each character by itself, so that what leaves must be what it makes of the whole. A text
    in which `blocked` stands ends the stream.
    """

    def __init__(self, change: Change = str, held_chars: int = 0, blocked: str = "") -> None:
        self.change, self.held_chars, self.blocked = change, held_chars, blocked
        self.denial: Denial | None = None
        self.held: dict[Channel, str] = {}
        self.seen: dict[Channel, str] = {}
        self.ended: list[Channel] = []
        self.edited: set[int | None] = set()
        self.waiting: list[tuple[Channel, str]] = []

    def admit(self, content: ContentT) -> ContentT:
        assert self.denial is None
        return content

    def text(self, channel: Channel, field: str, text: str) -> str:
        assert field in FIELDS
        assert text
        assert channel not in self.ended
        self.seen[channel] = self.seen.get(channel, "") + text
        if self.blocked and self.blocked in self.seen[channel]:
            self.denial = DENIAL
        text = self.held.get(channel, "") + text
        split = max(0, len(text) - self.held_chars)
        self.held[channel] = text[split:]
        return self._let_go(channel, text[:split])

    def end(self, channel: Channel) -> str:
        assert channel not in self.ended
        self.ended.append(channel)
        return self._let_go(channel, self.held.pop(channel, ""))

    def due(self) -> Sequence[tuple[Channel, str]]:
        waiting, self.waiting = self.waiting, []
        return waiting

    def wait_ms(self) -> float | None:
        return None

    def whole_text(self, field: str, text: str) -> str:
        return self.change(text)

    def whole(self, content: ContentT) -> ContentT:
        texts = content.texts(FIELDS[2]).texts
        if any(self.blocked and self.blocked in text for text in texts):
            self.denial = DENIAL
        edit = Texts(FIELDS[2], texts).map(self.change)
        return content.edited([edit]) if edit else content  # type: ignore[return-value]  # the same type

    def is_edited(self, choice: int | None) -> bool:
        return choice in self.edited

    def _let_go(self, channel: Channel, text: str) -> str:
        new = self.change(text)
        self.edited |= {channel.choice} if new != text else set()
        return "" if self.denial else new


def guarded(body: bytes, change: Change = str, held_chars: int = 0) -> bytes:
    """All that leaves of a stream under such a guard."""
    return everything(GuardedStream(FakeGuard(change, held_chars)), body)
