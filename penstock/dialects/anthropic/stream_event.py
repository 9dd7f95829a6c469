"""One event of a streamed message: its JSON as fields, and what it came in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Self

from typing_extensions import override

from penstock.dialects.anthropic import stream_paths
from penstock.dialects.json_content import Change
from penstock.dialects.paths import Matcher
from penstock.dialects.removing import Removals
from penstock.dialects.splicing import Path, Put, Splice
from penstock.dialects.sse import Event, encode, one_line
from penstock.dialects.stream_event import EventContent, as_object, kind_of, parsed
from penstock.dialects.stream_halves import Halves, Key
from penstock.errors import UpstreamError

_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_HEADS: Final = (b"event", b"retry")
_MANY_HEADS: Final = 3  # a name and a time at most
_SHORT_RETRY: Final = re.compile(rb"retry: ?[0-9]{1,7}")
# What an event says nothing without.
_WORDS: Final[Mapping[str, str]] = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "input_json_delta": "partial_json",
    "citations_delta": "citation",
    "signature_delta": "signature",
}


class StreamEvent(EventContent):
    """An event of a message."""

    __slots__ = ()

    @classmethod
    def decode(cls, event: Event, text: str | None = None) -> StreamEvent:
        """`text`: the event's data, where it is not what came.

        Raises UpstreamError: `malformed`, or `cut` when the stream ended inside of the event.
        """
        text = text if text is not None else event.data or ""
        made = cls(text, parsed(event, text))
        made.event = event
        return made

    @property
    def delta(self) -> dict[str, Any]:
        return as_object(self.tree.get("delta"))

    @property
    def is_framed_plainly(self) -> bool:
        """Whether it came under the name of its kind, once, with nothing beside its data that says more."""
        heads = [line for line in _LINE_END.split(self.event.raw) if line.startswith(_HEADS)]
        names = [line for line in heads if not _SHORT_RETRY.fullmatch(line)]
        return len(names) == 1 and len(heads) < _MANY_HEADS and self.event.event == self.kind

    def framed_plainly(self) -> Self:
        """The same in a frame that says nothing else: clients skip what has no name, or take it for another.

        Raises UpstreamError `malformed`, unless it says what it is, and its name says no other thing.
        """
        if self.kind not in {"", "error"} and self.is_framed_plainly:
            return self
        self.require_kind()
        name = self.kind or "error"
        if self.event.event not in {None, "", name}:
            raise UpstreamError(
                "The upstream's stream has an event whose name says that it is another.", outcome="malformed"
            )
        raw = encode(one_line(self.text), name)
        plain = type(self)(self.text, self.tree)
        plain.event = self.event._replace(raw=raw, event=name, is_complete=True)
        return plain

    def require_kind(self) -> None:
        """Raises UpstreamError `malformed`: some clients take its name for its type, and others skip it."""
        if not self.kind and not is_error(self.tree):
            raise UpstreamError(
                "The upstream's stream has an event that does not say what it is.", outcome="malformed"
            )

    @property
    def is_without_words(self) -> bool:
        """Whether it says nothing of the block that it is to add to."""
        word = _WORDS.get(str(self.delta.get("type")))
        return self.kind == "content_block_delta" and word is not None and not self.delta.get(word)

    @property
    def is_left_without_words(self) -> bool:
        """Whether edits took all that it said of its block: it need not be sent."""
        return self.is_without_words and not self.is_as_it_came

    def with_index(self, index: int) -> Self:
        """The same about the block that is at `index` for the caller."""
        return self if self.tree.get("index") == index else self.spliced([Put(("index",), index)])

    def with_text(self, at: Path, text: str) -> Self:
        """The same with `text` at `at`."""
        return self.spliced([Put(at, text)])

    @property
    @override
    def surface(self) -> str:
        return stream_paths.EVENT

    @override
    def matcher(self) -> Matcher:
        return stream_paths.event_matcher()

    @override
    def removals(self) -> Removals:
        return stream_paths.event_removals()

    @override
    def consequences(self, changes: Sequence[Change]) -> list[Splice]:
        """A block that stands whole in an event may be sealed, and could not be dropped. Nobody sends one."""
        if any(change.at[:2] == ("message", "content") for change in changes):
            raise ValueError("an answer that has begun with words cannot be edited")
        return []


class EventReader:
    """Reads the events of one stream; joins characters that were cut."""

    __slots__ = ("_halves",)

    def __init__(self) -> None:
        self._halves = Halves(pieces)

    @property
    def waits(self) -> bool:
        """Whether half a character waits for its other half."""
        return self._halves.waits

    def read(self, event: Event) -> StreamEvent | None:
        """None for what no client reads. Raises what `StreamEvent.decode` does."""
        if event.data is None or not event.data.strip():
            return None
        came = StreamEvent.decode(event, self._halves.joined(event.data))
        if came.kind == "message_stop":
            self._halves.require_none()
        return came


def pieces(tree: Any) -> Iterator[tuple[Path, Key, str]]:
    """The piece of a growing text in an event (`penstock.dialects.stream_halves.Pieces`)."""
    tree = as_object(tree)
    delta = as_object(tree.get("delta"))
    name = _WORDS.get(str(delta.get("type")), "")
    if type(text := delta.get(name)) is str and text and kind_of(tree) == "content_block_delta":
        yield ("delta", name), (repr(tree.get("index")), name), text


def is_error(tree: Mapping[str, Any]) -> bool:
    """Whether the upstream says that it failed: as Anthropic does, or as servers that speak like OpenAI."""
    return kind_of(tree) == "error" or bool(tree.get("error"))


def as_index(tree: Mapping[str, Any]) -> int:
    """Which block an event is about. Raises UpstreamError `malformed`."""
    index = tree.get("index")
    if type(index) is not int or index < 0:
        raise UpstreamError("The upstream's stream has a block without a number.", outcome="malformed")
    return index
