"""One event of a streamed response: its JSON as fields, and what it came in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Self

from typing_extensions import override

from penstock.dialects.openai_responses import stream_paths
from penstock.dialects.openai_responses.echo import Echo
from penstock.dialects.paths import Classified, Matcher
from penstock.dialects.removing import Removals
from penstock.dialects.splicing import AddMember, Path, Put, Splice
from penstock.dialects.sse import Event, Parser
from penstock.dialects.stream_event import EventContent, as_object, kind_of, parsed, written
from penstock.dialects.stream_halves import Halves, Key
from penstock.errors import UpstreamError

TERMINAL: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
"""The events after which an answer is whole: each holds all of it."""
_NO_ECHO: Final = Echo()
_NUMBERS: Final = ("output_index", "content_index", "summary_index")  # which text a delta is about


class StreamEvent(EventContent):
    """An event of a response. `echo`: what the request said that the answer may repeat."""

    __slots__ = ("echo",)

    echo: Echo

    @classmethod
    def decode(cls, event: Event, echo: Echo = _NO_ECHO, text: str | None = None) -> StreamEvent:
        """`text`: the event's data, where it is not what came.

        Raises UpstreamError: `malformed`, or `cut` when the stream ended inside of the event.
        """
        text = text if text is not None else event.data or ""
        made = cls(text, parsed(event, text))
        made.event, made.echo = event, echo
        return made

    @classmethod
    def of(cls, tree: Mapping[str, Any]) -> StreamEvent:
        """An event of the gateway's own, as if it had come."""
        [event] = Parser().feed(written(tree))
        return cls.decode(event)

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
    def _in_same_event(self, edited: Self) -> Self:
        edited.echo = self.echo
        return super()._in_same_event(edited)

    @override
    def matcher(self) -> Matcher:
        return stream_paths.event_matcher()

    @override
    def removals(self) -> Removals:
        return stream_paths.event_removals()


class EventReader:
    """Reads the events of one stream; joins characters that were cut."""

    __slots__ = ("_echo", "_halves")

    def __init__(self, echo: Echo) -> None:
        self._echo = echo
        self._halves = Halves(pieces)

    def read(self, event: Event) -> StreamEvent | None:
        """None for what no client reads. Raises what `StreamEvent.decode` does."""
        if event.data is None or not event.data.strip():
            return None
        came = StreamEvent.decode(event, self._echo, self._halves.joined(event.data))
        if came.kind in TERMINAL:
            self._halves.require_none()
        return came


def pieces(tree: Any) -> Iterator[tuple[Path, Key, str]]:
    """The piece of a growing text in an event (`penstock.dialects.stream_halves.Pieces`)."""
    tree = as_object(tree)
    if type(text := tree.get("delta")) is str and text:
        yield ("delta",), (kind_of(tree), *(repr(tree.get(name)) for name in _NUMBERS)), text


def is_error(tree: Mapping[str, Any]) -> bool:
    """Whether the upstream says outside of any answer that it failed."""
    return kind_of(tree) == "error" or bool(tree.get("error"))


def as_list(value: Any) -> list[Any]:
    return value if type(value) is list else []


def index_of(tree: Mapping[str, Any], name: str = "output_index") -> int:
    """Which item, part or text an event is about. Raises UpstreamError `malformed`."""
    index = tree.get(name)
    if type(index) is not int or index < 0:
        raise UpstreamError(f"The upstream's stream has an event without its {name}.", outcome="malformed")
    return index
