"""A streamed answer, between the dialect that knows its events and the gates that decide what may leave.

    upstream's bytes ──▶ AnswerStream ──▶ bytes to the caller        one per dialect and route
                            ▲   │
                  what may  │   │ what grows, what is whole,
                  leave     │   ▼ what no field carries
                          Guard                                      the engine's windows

The gates know no event and the dialects know no window; both know this seam, as with `penstock.content`.
The dialect keeps the order in which things leave: a text's rest before the event that ends it, calls whole.
The guard says what a text is when it leaves. A denial is a value: when `guard.denial` is set, what the step
under way would have sent is thrown away, and the gateway ends the stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar

from penstock.content import Content
from penstock.denial import Denial
from penstock.errors import PenstockError
from penstock.evidence.record import Usage

ContentT = TypeVar("ContentT", bound=Content)


class Channel(NamedTuple):
    """One text that grows from event to event. `name` holds no content.

    `choice`: which of the answer's parallel parts it belongs to (OpenAI's choice, Anthropic's content block);
    None for what belongs to none. `entry`: which of several alike in that part, else 0.
    """

    choice: int | None
    name: str
    entry: int = 0


class Guard(Protocol):
    """What the gates make of a stream while it is under way. Never raises for what a plugin does."""

    @property
    def denial(self) -> Denial | None:
        """Why the stream ends here. Once set it stays; everything below then gives empty texts."""

    def admit(self, content: ContentT) -> ContentT:
        """One event as a content: itself, or without what is to be dropped because no guard can see it."""

    def text(self, channel: Channel, field: str, text: str) -> str:
        """More of a growing text of `field`: what of the channel may leave now."""

    def end(self, channel: Channel) -> str:
        """The channel has ended: the rest of it. Of a channel that is not known, nothing."""

    def due(self) -> Sequence[tuple[Channel, str]]:
        """Texts that have waited to be gathered as long as they may, and what of them may leave now."""

    def wait_ms(self) -> float | None:
        """How long until something is due; None when nothing waits."""

    def whole_text(self, field: str, text: str) -> str:
        """A text that stands whole in one event, as a citation's title: what it is when it leaves."""

    def whole(self, content: ContentT) -> ContentT:
        """What is held until it is whole, as a tool call: edited, or itself."""

    def is_edited(self, choice: int | None) -> bool:
        """Whether anything of `choice` left otherwise than it came: what repeats its text must not leave."""


class AnswerStream(Protocol):
    """One streamed answer on its way to the caller. What it returns is sent at once, unless it is empty."""

    def feed(self, piece: bytes) -> bytes:
        """What leaves now that `piece` has come. Raises UpstreamError: `malformed`, `too_large`."""

    def due(self) -> bytes:
        """What leaves because it has waited long enough."""

    def close(self) -> bytes:
        """The upstream has ended: what leaves before the ending. Raises UpstreamError `cut`."""

    @property
    def is_done(self) -> bool:
        """Whether the terminator has come: the answer ends there, whatever its connection does.

        What comes after it is no part of the answer, and is dropped unread; `close` raises nothing then.
        """

    @property
    def ending(self) -> bytes:
        """After `close`: the ends of the choices, usage, the terminator. Only sent once OUTCOME is stored."""

    @property
    def usage(self) -> Usage | None:
        """Tokens as the upstream counted them so far; None when it has not said."""

    @property
    def has_failed(self) -> bool:
        """Whether the upstream has said in mid-stream that it failed: its own words were passed on."""

    def error(self, refusal: Denial | PenstockError, request_id: str) -> bytes:
        """The event that ends a stream which failed or was stopped. No terminator follows it."""


class CollectedStream(Protocol):
    """A stream that is taken in whole: for guards that need the whole, and for who looks at the end."""

    def feed(self, piece: bytes) -> None:
        """Raises UpstreamError: `malformed`, `too_large`."""

    def close(self) -> None:
        """The upstream has ended. Raises UpstreamError `cut`."""

    @property
    def is_done(self) -> bool:
        """As of an `AnswerStream`."""

    def response(self) -> Content:
        """The answer that it would have been without `stream`; the same object until more is fed."""

    def events(self, response: Content) -> bytes:
        """`response` as events: those that came, when it is the very object that `response()` gave.

        Not those that say anything which is not in it, nor an upstream's words for its own failure.
        """

    @property
    def usage(self) -> Usage | None: ...

    @property
    def has_failed(self) -> bool: ...
