"""The parts that views are made of: texts, members, headers, and the projection that holds the grant.

A part never changes anything; its methods make edits. Asking for a field that was not granted raises
`FieldNotGrantedError`, and the projection remembers it even when the plugin swallows the error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple, overload

from penstock.errors import FailureClass, FieldNotGrantedError, PluginError
from penstock.sdk.edits import (
    REMOVED,
    AddText,
    MemberEdit,
    Replace,
    Span,
    SpanEdit,
    Substitute,
    TextEdit,
    find_spans,
)
from penstock.sdk.openings import Opening, require_fit, with_open


class _WriteOnly:
    """The type of `WRITE_ONLY`: what stands for a field that may be written and not read."""


WRITE_ONLY: Final = _WriteOnly()


class Tool(NamedTuple):
    """One tool definition: its name and the whole definition, read-only."""

    name: str
    definition: Mapping[str, Any]


class Piece(NamedTuple):
    """What a text is that a windowed placement is shown: `is_end` when nothing of it comes any more."""

    is_end: bool
    window_chars: int
    max_hold_chars: int


class TextValues(NamedTuple):
    """What a projection holds for a field of texts; `tools` only for `request.tools`."""

    texts: tuple[str, ...]
    tools: tuple[Tool, ...] = ()
    piece: Piece | None = None
    """Set when the one text is a piece of a stream."""


class Projection:
    """The granted fields of one moment: name → value, and what was asked for beyond them."""

    __slots__ = ("refused", "values")

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.refused: list[str] = []

    def get(self, name: str) -> Any:
        """The value of a granted field. Raises FieldNotGrantedError for any other, and remembers it."""
        try:
            return self.values[name]
        except KeyError:
            raise self.refuse(name) from None

    def refuse(self, name: str) -> FieldNotGrantedError:
        """Remember that `name` was asked for without a grant; of a header only that it was one.

        What a plugin calls a header may be words of the prompt, and what is remembered goes to the evidence.
        """
        family, headers, _ = name.partition(".headers")
        self.refused.append(family + headers)
        return FieldNotGrantedError(family + headers)


class Texts(Sequence[str]):
    """The texts of one field, in order. Each is one string of the body; edits name them by index.

    On a stream that is met in windows it is one text, a piece of an answer that grows.
    """

    __slots__ = ("_piece", "_texts", "field")

    def __init__(self, field: str, texts: tuple[str, ...], piece: Piece | None = None) -> None:
        self.field = field
        self._texts = texts
        self._piece = piece

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        return self._texts[index]

    def __len__(self) -> int:
        return len(self._texts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __repr__(self) -> str:
        return f"<{self.field}: {len(self._texts)} texts>"

    @property
    def is_open(self) -> bool:
        """Whether this is a piece of a stream and more of it may come. Whole texts never are."""
        return self._piece is not None and not self._piece.is_end

    def sub(
        self, pattern: str | re.Pattern[str], replacement: Substitute, *, opening: Opening | None = None
    ) -> SpanEdit:
        """Every match of `pattern`, in every text, replaced; `replacement` as for `re.sub`.

        `opening` is for matches that show only when they are whole, and are wider than the window: a pattern
        for what may still become one. What it matches up to the end of a piece is kept back; on a whole text
        it is ignored. Raises PluginError (`contract`) for a pattern that needs it, or a wider window.
        """
        compiled = self._fitting(pattern, opening)
        return self.replace(lambda text: find_spans(compiled, replacement, text), opening=opening)

    def replace(
        self, finder: Callable[[str], Iterable[Replace]], *, opening: Opening | None = None
    ) -> SpanEdit:
        """Whatever `finder` finds in each text, replaced: for detectors that are more than one pattern.

        `opening` as for `sub`, or a function from a text to the place from which on it may still become
        something to find, None for nowhere. On a stream, the finder keeps what docs/adr/0005-windows.md asks.
        """
        found = ((index, self._with_open(text, tuple(finder(text)), opening)) for index, text in self._each())
        return SpanEdit(self.field, tuple((index, spans) for index, spans in found if spans))

    def search(self, pattern: str | re.Pattern[str], *, opening: Opening | None = None) -> Span | None:
        """Where the first match is, for `Block(reason, at=…)`; None when there is none.

        `opening` as for `sub`. On a stream it may be what is open at a piece's end. To block there is right:
        it counts as a block only when nothing that follows can undo it, and till then keeps the text back.
        """
        compiled = self._fitting(pattern, opening)
        for _, text in self._each():
            found = compiled.search(text)
            spans = (Replace(*found.span(), ""),) if found else ()
            for start, end, _ in self._with_open(text, spans, opening):
                return Span(start, end)
        return None

    def map(self, change: Callable[[str], str]) -> TextEdit:
        """Every text as `change` returns it. On a stream this needs the whole text (`stream = "buffer"`)."""
        self._require_whole()
        return TextEdit(self.field, tuple((index, change(text)) for index, text in self._each()))

    def set(self, index: int, text: str) -> TextEdit:
        """The text at `index` (0 ≤ index < len) becomes `text`. Needs the whole text, as `map`."""
        self._require_whole()
        return TextEdit(self.field, ((index, text),))

    def add(self, text: str) -> AddText:
        """A new message of this role: a system message first, a message of any other role last."""
        return AddText(self.field, text)

    def _each(self) -> Iterator[tuple[int, str]]:
        return enumerate(self._texts)

    def _fitting(self, pattern: str | re.Pattern[str], opening: Opening | None) -> re.Pattern[str]:
        compiled = re.compile(pattern) if isinstance(pattern, str) else pattern
        if self._piece is not None:
            require_fit(compiled, self._piece.window_chars, self._piece.max_hold_chars, opening)
        return compiled

    def _with_open(
        self, text: str, spans: tuple[Replace, ...], opening: Opening | None
    ) -> tuple[Replace, ...]:
        return with_open(text, spans, opening) if opening is not None and self.is_open else spans

    def _require_whole(self) -> None:
        if self._piece is not None:
            problem = 'only spans of a piece can change: use .sub or .replace, or stream = "buffer".'
            raise PluginError(FailureClass.CONTRACT, problem)


class Tools(Texts):
    """Definitions of tools: their strings as texts, and each definition by name."""

    __slots__ = ("_tools",)

    def __init__(self, field: str, texts: tuple[str, ...], tools: tuple[Tool, ...]) -> None:
        super().__init__(field, texts)
        self._tools = tools

    @property
    def definitions(self) -> tuple[Tool, ...]:
        """Every definition, in order, in the caller's dialect."""
        return tuple(Tool(tool.name, frozen(tool.definition)) for tool in self._tools)

    def remove(self, name: str) -> MemberEdit:
        """The request without the tool `name`."""
        return MemberEdit(self.field, name, REMOVED)


class Members(Mapping[str, Any]):
    """Named members: metadata, parameters, tags. Values are JSON, read-only."""

    __slots__ = ("_members", "field")

    def __init__(self, field: str, members: Mapping[str, Any]) -> None:
        self.field = field
        self._members = members

    def __getitem__(self, name: str) -> Any:
        return frozen(self._members[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"<{self.field}>"

    def set(self, name: str, value: object) -> MemberEdit:
        """The member `name` becomes `value` (JSON), as it is now: a copy of it is taken."""
        return MemberEdit(self.field, name, thawed(value))

    def remove(self, name: str) -> MemberEdit:
        """The object without the member `name`."""
        return MemberEdit(self.field, name, REMOVED)


class UnreadableMembers(Mapping[str, Any]):
    """Members that were granted for writing only: to look at them is a refused read."""

    def __init__(self, field: str, projection: Projection) -> None:
        self._field = field
        self._projection = projection

    def __getitem__(self, name: str) -> Any:
        raise self._projection.refuse(self._field)

    def __iter__(self) -> Iterator[str]:
        raise self._projection.refuse(self._field)

    def __len__(self) -> int:
        raise self._projection.refuse(self._field)


class Headers:
    """Named headers, each granted on its own: `request.headers.<name>`. Names count in any case."""

    __slots__ = ("_prefix", "_projection")

    def __init__(self, prefix: str, projection: Projection) -> None:
        self._prefix = prefix
        self._projection = projection

    def get(self, name: str) -> str | None:
        """The header's value; None when it is absent."""
        field = self._prefix + name.lower()
        value = self._projection.get(field)
        if value is WRITE_ONLY:
            raise self._projection.refuse(field)
        return value if value is None else str(value)

    def set(self, name: str, value: str) -> MemberEdit:
        """The header `name` becomes `value`: visible ASCII and spaces, no line breaks."""
        return MemberEdit(self._prefix + name.lower(), name.lower(), value)

    def remove(self, name: str) -> MemberEdit:
        """The message without the header `name`."""
        return MemberEdit(self._prefix + name.lower(), name.lower(), REMOVED)


def frozen(value: Any) -> Any:
    """`value` (JSON) such that nobody can change the original through it."""
    if isinstance(value, dict):
        return frozen_mapping(value)
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    return value


def thawed(value: Any) -> Any:
    """A copy of `value` in plain dicts and lists, also of what `frozen` made; no JSON stays itself."""
    if isinstance(value, dict | MappingProxyType):
        return {key: thawed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [thawed(item) for item in value]
    return value


def frozen_mapping(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """A JSON object, read-only all the way down."""
    return MappingProxyType({key: frozen(item) for key, item in value.items()})
