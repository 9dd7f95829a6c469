"""A short way for events that differ from one that has been looked at in one growing text alone, as most do.

What stands before the text and after it is the same to the letter, so the JSON is the same but for the text:
whatever was found of the first such event holds of this one, and only its text has to be read. Left out: what
could make another reading possible (half a character, bytes that are no UTF-8), which goes the long way.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]  # typeshed does not list it
from typing import Final, Generic, NamedTuple, TypeVar

from penstock.dialects.rawjson import dumps
from penstock.dialects.splicing import Path, Put, splice
from penstock.dialects.sse import Event, one_line
from penstock.dialects.stream_event import EventContent
from penstock.streams import Channel

ContentT = TypeVar("ContentT", bound=EventContent)

_DATA: Final = b"data: "
_END: Final = b"\n\n"
_MARK: Final = "\x00here"  # no event has it: JSON cannot say it without an escape, which is looked for
_NOT_READ: Final = re.compile("[\ud800-\udfff\ufffd]")
# Random characters (OpenAI's API reference, `stream_options.include_obfuscation`): as long as they are a
# token (`openai.paths`), it does not matter which.
_PADDING: Final = re.compile(r'(?:(?<="obfuscation":")|(?<="obfuscation": "))[A-Za-z0-9_.:/|-]{0,128}(?=")')
_MAX_SHAPES: Final = 4  # choices and thoughts by turns
_MAX_LEARNED: Final = 32


class Said(NamedTuple):
    """What an event of a known shape says. `after`: what stands behind its text."""

    text: str
    after: str


@dataclass(frozen=True, slots=True)
class Shape(Generic[ContentT]):
    """`content`: the first event of it, which a guard has admitted as it is."""

    content: ContentT
    channel: Channel
    field: str
    _head: bytes
    _before: str
    _after: str
    _bare_after: str | None
    """`_after` without its padding; None when it has none."""

    def said(self, event: Event) -> Said | None:
        """What `event` says, if it is of this shape; its text is not empty."""
        data = event.data
        if data is None or not data.startswith(self._before):
            return None
        try:
            text, end = scanstring(data, len(self._before), True)
        except ValueError:
            return None
        after = data[end:]
        if after != self._after and (self._bare_after is None or _bare(after) != self._bare_after):
            return None
        if not text or _NOT_READ.search(text) or event.raw != self._head + data.encode() + _END:
            return None
        return Said(text, after)

    def framed(self, text: str, after: str) -> bytes:
        """The event that says `text`. Raises ValueError for what JSON cannot say."""
        data = self._before[:-1] + dumps(text) + after
        return self._head + one_line(data).encode() + _END


class Shapes(Generic[ContentT]):
    """The shapes that a stream has had lately."""

    __slots__ = ("_known", "_learned")

    def __init__(self) -> None:
        self._known: deque[Shape[ContentT]] = deque(maxlen=_MAX_SHAPES)
        self._learned = 0

    def __iter__(self) -> Iterator[Shape[ContentT]]:
        return iter(self._known)

    def learn(self, content: ContentT, at: Path, channel: Channel, field: str) -> None:
        """`content` has a text of `channel` at `at`, and there is nothing else in it that is looked at.

        Of a stream whose events never look like one another no more is learned after a while.
        """
        is_plain = content.is_as_it_came and content.matcher().is_settled(at)
        if self._learned >= _MAX_LEARNED or not is_plain:
            return
        self._learned += 1
        shape = _shape(content, at, channel, field)
        if shape is not None:
            self._known.appendleft(shape)


def _shape(content: ContentT, at: Path, channel: Channel, field: str) -> Shape[ContentT] | None:
    event, data = content.event, content.text
    body = data.encode() + _END
    head = event.raw.removesuffix(body)
    if head == event.raw or not head.endswith(_DATA) or _MARK in data or dumps(_MARK)[1:-1] in data:
        return None
    before, _, after = splice(data, [Put(at, _MARK)]).partition(dumps(_MARK))
    has_padding = (
        "obfuscation" in content.tree and data.count("obfuscation") == after.count("obfuscation") == 1
    )
    return Shape(content, channel, field, head, before + '"', after, _bare(after) if has_padding else None)


def _bare(after: str) -> str:
    """`after` without its padding."""
    return _PADDING.sub("", after, count=1)
