"""Edits are values: a view makes them, `Transform` carries them, the gateway applies them.

`SpanEdit` says where in a text something is replaced; it is the only edit that a windowed stream can take.
`TextEdit` replaces whole texts. `MemberEdit` sets or removes a named member. `AddText` adds a message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple


class Span(NamedTuple):
    """A piece of one text, in characters: `text[start:end]`."""

    start: int
    end: int


class Replace(NamedTuple):
    """`text[start:end]` becomes `text`."""

    start: int
    end: int
    text: str


class _Removed:
    """The type of `REMOVED`."""

    def __repr__(self) -> str:
        return "REMOVED"


REMOVED: Final = _Removed()


@dataclass(frozen=True, slots=True)
class SpanEdit:
    """Replacements inside texts of one field: (index of the text, its replacements in order)."""

    field: str
    spans: tuple[tuple[int, tuple[Replace, ...]], ...]

    def __bool__(self) -> bool:
        return bool(self.spans)


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Whole new texts of one field: (index of the text, new text)."""

    field: str
    texts: tuple[tuple[int, str], ...]

    def __bool__(self) -> bool:
        return bool(self.texts)


@dataclass(frozen=True, slots=True)
class MemberEdit:
    """One named member of metadata, parameters, tags, headers or tools: a new value, or `REMOVED`."""

    field: str
    name: str
    value: object


@dataclass(frozen=True, slots=True)
class AddText:
    """A new message of the role that the field names: a system message first, any other last."""

    field: str
    text: str


Edit = SpanEdit | TextEdit | MemberEdit | AddText
Substitute = str | Callable[[re.Match[str]], str]


def find_spans(pattern: re.Pattern[str], replacement: Substitute, text: str) -> tuple[Replace, ...]:
    """Every match of `pattern` in `text` and what stands for it; a string is expanded as by `re.sub`."""
    if callable(replacement):
        return tuple(Replace(*found.span(), replacement(found)) for found in pattern.finditer(text))
    if "\\" in replacement:
        return tuple(Replace(*found.span(), found.expand(replacement)) for found in pattern.finditer(text))
    return tuple(Replace(*found.span(), replacement) for found in pattern.finditer(text))


def apply_spans(text: str, spans: Iterable[Replace]) -> str:
    """`text` with `spans` replaced. Raises ValueError when they overlap or leave the text."""
    pieces: list[str] = []
    at = 0
    for start, end, new in spans:
        if start < at or end < start or end > len(text):
            raise ValueError("replacements overlap or leave the text")
        pieces += (text[at:start], new)
        at = end
    pieces.append(text[at:])
    return "".join(pieces)


def new_texts(edit: SpanEdit | TextEdit, texts: Sequence[str]) -> list[tuple[int, str]]:
    """The texts that `edit` changes, with their new values. Raises ValueError when it does not fit."""
    pairs = (
        [(index, apply_spans(_at(texts, index), spans)) for index, spans in edit.spans]
        if isinstance(edit, SpanEdit)
        else [(index, new) for index, new in edit.texts if _at(texts, index) is not new]
    )
    return [(index, new) for index, new in pairs if new != texts[index]]


def _at(texts: Sequence[str], index: int) -> str:
    if not 0 <= index < len(texts):
        raise ValueError("an edit names a text that is not there")
    return texts[index]
