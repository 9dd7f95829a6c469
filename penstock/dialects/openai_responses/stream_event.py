"""One event of a streamed response: its JSON as fields, and what it came in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

from typing_extensions import override

from penstock.dialects import rawjson
from penstock.dialects.json_content import Change, JsonContent
from penstock.dialects.openai_responses import stream_paths
from penstock.dialects.openai_responses.echo import Echo
from penstock.dialects.paths import Classified, Matcher
from penstock.dialects.removing import Removals
from penstock.dialects.splicing import AddMember, Path, Put, Splice
from penstock.dialects.sse import Event, Parser, encode, one_line
from penstock.errors import RequestError, UpstreamError
from penstock.sdk.edits import AddText, Edit, MemberEdit

TERMINAL: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
"""The events after which an answer is whole: each holds all of it."""
_NO_ECHO: Final = Echo()


class StreamEvent(JsonContent):
    """An event. `event` is what it came in; an edit keeps that and gives another JSON."""

    __slots__ = ("echo", "event")

    event: Event
    echo: Echo

    @classmethod
    def decode(cls, event: Event, echo: Echo = _NO_ECHO) -> StreamEvent:
        """Raises UpstreamError: `malformed`, or `cut` when the stream ended inside of the event."""
        text = event.data or ""
        try:
            tree = rawjson.parse(text)
        except RequestError:
            raise _malformed(event) from None
        if type(tree) is not dict or ("\ufffd" in text and not event.is_utf8):
            raise _malformed(event)
        made = cls(text, tree)
        made.event, made.echo = event, echo
        return made

    @classmethod
    def of(cls, tree: Mapping[str, Any]) -> StreamEvent:
        """An event of the gateway's own, as if it had come."""
        [event] = Parser().feed(written(tree))
        return cls.decode(event)

    @property
    def kind(self) -> str:
        """What kind of event it is; empty when it does not say."""
        return kind_of(self.tree)

    def framed(self) -> bytes:
        """The bytes that came, when nothing was edited; always a whole event."""
        if self.text == self.event.data and self.event.is_complete:
            return self.event.raw
        return self.event.with_data(one_line(self.text))

    def numbered(self, sequence_number: int, output_index: int | None = None) -> Self:
        """The same as the caller counts: its place in the stream, and the item that it is about."""
        splices: list[Splice] = []
        for name, number in (("sequence_number", sequence_number), ("output_index", output_index)):
            if number is not None and name in self.tree and self.tree[name] != number:
                splices.append(Put((name,), number))
        return self.spliced(splices)

    def having(self, values: Mapping[Path, Any]) -> Self:
        """The same with other values at these places; a member that is not there is added."""
        splices: list[Splice] = []
        for at, value in values.items():
            owner: Any = self.tree
            for step in at[:-1]:
                owner = owner[step]
            name = at[-1]
            is_new = isinstance(name, str) and name not in owner
            if is_new:
                splices.append(AddMember(at[:-1], str(name), value))
            elif owner[name] != value:
                splices.append(Put(at, value))
        return self.spliced(splices)

    @property
    @override
    def surface(self) -> str:
        return stream_paths.EVENT

    @property
    @override
    def classified(self) -> Classified:
        if self._classified is None:
            found = self.matcher().classify(self.tree)
            self._classified = self.echo.without(found, self.tree, ("response",))
        return self._classified

    @override
    def edited(self, edits: Sequence[Edit]) -> Self:
        return self._in_same_event(super().edited(edits))

    @override
    def spliced(self, splices: Sequence[Splice]) -> Self:
        return self._in_same_event(super().spliced(splices))

    def _in_same_event(self, edited: Self) -> Self:
        edited.event, edited.echo = self.event, self.echo
        return edited

    @override
    def matcher(self) -> Matcher:
        return stream_paths.event_matcher()

    @override
    def removals(self) -> Removals:
        return stream_paths.event_removals()

    @override
    def consequences(self, changes: Sequence[Change]) -> list[Splice]:
        """Nothing: where an event has what repeats a text, its stream takes that out first."""
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
        raise ValueError("an event is not replaced: put the answer together, and stream its replacement")


def kind_of(tree: Mapping[str, Any]) -> str:
    """What kind of event this is the JSON of."""
    kind = tree.get("type")
    return kind if type(kind) is str else ""


def is_error(tree: Mapping[str, Any]) -> bool:
    """Whether the upstream says outside of any answer that it failed."""
    return kind_of(tree) == "error" or bool(tree.get("error"))


def written(tree: Mapping[str, Any]) -> bytes:
    """An event of the gateway's own. Raises ValueError for what JSON cannot say."""
    return encode(one_line(rawjson.dumps(tree)), kind_of(tree))


def as_object(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {}


def as_list(value: Any) -> list[Any]:
    return value if type(value) is list else []


def index_of(tree: Mapping[str, Any], name: str = "output_index") -> int:
    """Which item, part or text an event is about. Raises UpstreamError `malformed`."""
    index = tree.get(name)
    if type(index) is not int or index < 0:
        raise UpstreamError(f"The upstream's stream has an event without its {name}.", outcome="malformed")
    return index


def _malformed(event: Event) -> UpstreamError:
    if not event.is_complete:
        return UpstreamError("The upstream's stream ended inside of an event.", outcome="cut")
    return UpstreamError(
        "The upstream's stream has an event that is not a strict JSON object.", outcome="malformed"
    )
