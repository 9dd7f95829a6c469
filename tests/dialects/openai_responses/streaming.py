"""What tests of streamed responses read with, and guards in small."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, cast

from penstock.content import Content
from penstock.denial import Denial
from penstock.dialects.openai_responses.responses import ResponsesResponse
from penstock.dialects.openai_responses.stream_collecting import Collected
from penstock.dialects.openai_responses.stream_event import StreamEvent
from penstock.dialects.openai_responses.stream_guarded import GuardedStream
from penstock.dialects.sse import Parser
from penstock.sdk.views import Texts
from penstock.streams import AnswerStream, Channel, ContentT

Change = Callable[[str], str]
FIELDS = ("response.text", "response.reasoning", "response.tool_calls")
DENIAL = Denial("test.word", "It has a word that may not leave.", 403, "plugin_blocked")


def events(*pieces: bytes) -> list[StreamEvent]:
    parser = Parser()
    came = [event for piece in pieces for event in parser.feed(piece)] + parser.close()
    return [StreamEvent.decode(event) for event in came if event.data and event.data != "[DONE]"]


def answer(body: bytes) -> bytes:
    """`body` to the event that ends the answer: without the `[DONE]` that some servers send after it."""
    return re.sub(rb"(data: \[DONE\]\s*)?\Z", b"", body)


def kinds(*pieces: bytes) -> list[str]:
    return [event.kind for event in events(*pieces)]


def collected(*pieces: bytes) -> Collected:
    made = Collected()
    for piece in pieces:
        made.feed(piece)
    return made


def assembled(*pieces: bytes) -> ResponsesResponse:
    return collected(*pieces).response()


def edited(response: ResponsesResponse, change: Change, fields: Sequence[str] = FIELDS) -> ResponsesResponse:
    """Field by field, as a gate does it."""
    for field in fields:
        response = response.edited([Texts(field, response.texts(field).texts).map(change)])
    return response


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
    in which `blocked` stands ends the stream. `drops`: what is unseen is taken out.
    """

    def __init__(
        self, change: Change = str, held_chars: int = 0, blocked: str = "", *, drops: bool = False
    ) -> None:
        self.change, self.held_chars, self.blocked, self.drops = change, held_chars, blocked, drops
        self.denial: Denial | None = None
        self.held: dict[Channel, str] = {}
        self.seen: dict[Channel, str] = {}
        self.ended: list[Channel] = []
        self.wholes: list[Content] = []
        self.waiting: list[tuple[Channel, str]] = []

    def admit(self, content: ContentT) -> ContentT:
        unseen = content.unseen if self.drops else ()
        return cast("ContentT", content.without(unseen)) if unseen else content

    def text(self, channel: Channel, field: str, text: str) -> str:
        assert field == FIELDS[0]
        assert text
        assert channel not in self.ended
        self.seen[channel] = self.seen.get(channel, "") + text
        if self.blocked and self.blocked in self.seen[channel]:
            self.denial = DENIAL
        text = self.held.get(channel, "") + text
        split = max(0, len(text) - self.held_chars)
        self.held[channel] = text[split:]
        return self._let_go(text[:split])

    def end(self, channel: Channel) -> str:
        assert channel not in self.ended
        self.ended.append(channel)
        return self._let_go(self.held.pop(channel, ""))

    def due(self) -> Sequence[tuple[Channel, str]]:
        waiting, self.waiting = self.waiting, []
        return waiting

    def wait_ms(self) -> float | None:
        return None

    def whole_text(self, field: str, text: str) -> str:
        raise NotImplementedError

    def whole(self, content: ContentT) -> ContentT:
        self.wholes.append(content)
        left: Content = self.admit(content)
        for field in FIELDS:
            texts = left.texts(field).texts
            if any(self.blocked and self.blocked in text for text in texts):
                self.denial = DENIAL
            if edit := Texts(field, texts).map(self.change):
                changed = left.edited([edit])
                left = changed if changed.encoded() != left.encoded() else left
        return cast("ContentT", left)

    def is_edited(self, choice: int | None) -> bool:
        return False

    def _let_go(self, text: str) -> str:
        return "" if self.denial else self.change(text)


def guarded(body: bytes, change: Change = str, held_chars: int = 0) -> bytes:
    """All that leaves of a stream under such a guard."""
    return everything(GuardedStream(FakeGuard(change, held_chars)), body)


def without(value: Any, *names: str) -> Any:
    """JSON without the members of these names, wherever they are."""
    if isinstance(value, dict):
        return {name: without(inner, *names) for name, inner in value.items() if name not in names}
    return [without(inner, *names) for inner in value] if isinstance(value, list) else value
