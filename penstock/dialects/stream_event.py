"""One event of a stream: its JSON as fields, and what it came in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from typing_extensions import override

from penstock.dialects import rawjson
from penstock.dialects.json_content import Change, NamelessContent
from penstock.dialects.splicing import Path, Splice
from penstock.dialects.sse import Event, encode, one_line
from penstock.errors import RequestError, UpstreamError
from penstock.sdk.edits import AddText, Edit


class EventContent(NamelessContent):
    """An event. `event` is what it came in; an edit keeps that and gives another JSON."""

    __slots__ = ("event",)

    event: Event

    @property
    def kind(self) -> str:
        """What kind of event it is; empty when it does not say."""
        return kind_of(self.tree)

    @property
    def is_as_it_came(self) -> bool:
        return not self._waiting and self.text == self.event.data

    def framed(self) -> bytes:
        """The bytes that came, when nothing was edited; always a whole event."""
        if self.is_as_it_came and self.event.is_complete:
            return self.event.raw
        return self.event.with_data(one_line(self.text))

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
    def consequences(self, changes: Sequence[Change]) -> list[Splice]:
        """Nothing: where an event has what repeats a text, its stream takes that out first."""
        return []

    @override
    def field_removal(self, field: str, places: list[Path]) -> list[Splice]:
        return self.removals().plan(self.tree, places)

    @override
    def added(self, edits: Sequence[AddText]) -> list[Splice]:
        raise ValueError("no message can be added to a response")

    @override
    def replaced(self, text: str) -> Self:
        raise ValueError("an event is not replaced: put the answer together, and stream its replacement")


def parsed(event: Event, text: str) -> dict[str, Any]:
    """`text`, an event's data or what was made of it, as strict JSON.

    Raises UpstreamError: `malformed`, or `cut` when the stream ended inside of the event.
    """
    try:
        tree = rawjson.parse(text)
    except RequestError:
        raise _malformed(event) from None
    if type(tree) is not dict or ("\ufffd" in text and not event.is_utf8):
        raise _malformed(event)
    return tree


def written(tree: Mapping[str, Any]) -> bytes:
    """An event of the gateway's own, named as its kind. Raises ValueError for what JSON cannot say."""
    return encode(one_line(rawjson.dumps(tree)), kind_of(tree))


def kind_of(tree: Mapping[str, Any]) -> str:
    """What kind of event this is the JSON of."""
    kind = tree.get("type")
    return kind if type(kind) is str else ""


def as_object(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {}


def _malformed(event: Event) -> UpstreamError:
    if not event.is_complete:
        return UpstreamError("The upstream's stream ended inside of an event.", outcome="cut")
    return UpstreamError(
        "The upstream's stream has an event that is not a strict JSON object.", outcome="malformed"
    )
