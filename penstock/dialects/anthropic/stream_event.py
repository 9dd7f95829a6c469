"""One event of a streamed message: its JSON as fields, and what it came in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

from typing_extensions import override

from penstock.dialects import rawjson
from penstock.dialects.anthropic import stream_paths
from penstock.dialects.json_content import Change, JsonContent
from penstock.dialects.paths import Matcher
from penstock.dialects.removing import Removals
from penstock.dialects.splicing import Path, Put, Splice
from penstock.dialects.sse import Event, encode, one_line
from penstock.errors import RequestError, UpstreamError
from penstock.sdk.edits import AddText, Edit, MemberEdit

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


class StreamEvent(JsonContent):
    """An event. `event` is what it came in; an edit keeps that and gives another JSON."""

    __slots__ = ("event",)

    event: Event

    @classmethod
    def decode(cls, event: Event) -> StreamEvent:
        """Raises UpstreamError: `malformed`, or `cut` when the stream ended inside of the event."""
        text = event.data or ""
        try:
            tree = rawjson.parse(text)
        except RequestError:
            raise _malformed(event) from None
        if type(tree) is not dict or ("\ufffd" in text and not event.is_utf8):
            raise _malformed(event)
        made = cls(text, tree)
        made.event = event
        return made

    @property
    def kind(self) -> str:
        """What kind of event it is; empty when it does not say."""
        return kind_of(self.tree)

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
    def is_as_it_came(self) -> bool:
        return self.text == self.event.data

    @property
    def is_without_words(self) -> bool:
        """Whether it says nothing of the block that it is to add to."""
        word = _WORDS.get(str(self.delta.get("type")))
        return self.kind == "content_block_delta" and word is not None and not self.delta.get(word)

    @property
    def is_left_without_words(self) -> bool:
        """Whether edits took all that it said of its block: it need not be sent."""
        return self.is_without_words and not self.is_as_it_came

    def framed(self) -> bytes:
        """The bytes that came, when nothing was edited; always a whole event."""
        if self.is_as_it_came and self.event.is_complete:
            return self.event.raw
        return self.event.with_data(one_line(self.text))

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
    def edited(self, edits: Sequence[Edit]) -> Self:
        return self._in_same_event(super().edited(edits))

    @override
    def spliced(self, splices: Sequence[Splice]) -> Self:
        return self._in_same_event(super().spliced(splices))

    def _in_same_event(self, edited: Self) -> Self:
        edited.event = self.event
        return edited

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

    @override
    def field_removal(self, field: str, places: list[Path]) -> list[Splice]:
        return self.removals().plan(self.tree, places)

    @override
    def members(self, field: str) -> Mapping[str, Any]:
        raise ValueError(f"{field} has no members")

    @override
    def member_splices(self, field: str, edits: Sequence[MemberEdit]) -> list[Splice]:
        raise ValueError(f"{field} has no members that can be written")

    @override
    def added(self, edits: Sequence[AddText]) -> list[Splice]:
        raise ValueError("no message can be added to a response")

    @override
    def replaced(self, text: str) -> StreamEvent:
        raise ValueError("an event is not replaced: put the message together, and stream its replacement")


def kind_of(tree: Mapping[str, Any]) -> str:
    """What kind of event this is the JSON of."""
    kind = tree.get("type")
    return kind if type(kind) is str else ""


def is_error(tree: Mapping[str, Any]) -> bool:
    """Whether the upstream says that it failed: as Anthropic does, or as servers that speak like OpenAI."""
    return kind_of(tree) == "error" or bool(tree.get("error"))


def written(tree: Mapping[str, Any]) -> bytes:
    """An event of the gateway's own. Raises ValueError for what JSON cannot say."""
    return encode(one_line(rawjson.dumps(tree)), kind_of(tree))


def as_object(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {}


def as_index(tree: Mapping[str, Any]) -> int:
    """Which block an event is about. Raises UpstreamError `malformed`."""
    index = tree.get("index")
    if type(index) is not int or index < 0:
        raise UpstreamError("The upstream's stream has a block without a number.", outcome="malformed")
    return index


def _malformed(event: Event) -> UpstreamError:
    if not event.is_complete:
        return UpstreamError("The upstream's stream ended inside of an event.", outcome="cut")
    return UpstreamError(
        "The upstream's stream has an event that is not a strict JSON object.", outcome="malformed"
    )
