"""Edits of raw JSON that leave every other byte as it was: spacing, order, spelling of numbers and escapes.

The text is walked once, down to what is edited only; whatever lies beside is skipped by the C scanner.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]  # typeshed does not list it
from typing import Final

from penstock.dialects.rawjson import dumps

Path = tuple[str | int, ...]

_DECODER: Final = json.JSONDecoder()

INSIDE: Final = -1
"""A step of a path: from a string into the JSON that it holds. No index of an array is negative."""


@dataclass(frozen=True, slots=True)
class Put:
    """The value at `path` becomes `value`."""

    path: Path
    value: object


@dataclass(frozen=True, slots=True)
class Drop:
    """The member or element at `path` goes."""

    path: Path


@dataclass(frozen=True, slots=True)
class AddMember:
    """The object at `path` gets a member more, as its last. The name must be new."""

    path: Path
    name: str
    value: object


@dataclass(frozen=True, slots=True)
class AddElement:
    """The array at `path` gets `value` before the element at `index`; its length means: as last."""

    path: Path
    index: int
    value: object


Splice = Put | Drop | AddMember | AddElement


def splice(text: str, edits: Iterable[Splice]) -> str:
    """`text`, which is well-formed JSON, with `edits` applied. All paths and indexes are those of `text`.

    Raises ValueError when a path leads nowhere, two edits overlap, or a value is not JSON.
    """
    root = _Node()
    for edit in edits:
        _plan(root, edit)
    if root.is_empty:
        return text
    start = _skip_space(text, 0)
    value, end = _rewritten(text, start, root)
    return text[:start] + value + text[end:]


@dataclass(slots=True)
class _Node:
    """What shall happen at one place of the text and below it."""

    put: str | None = None
    drop: bool = False
    below: dict[str | int, _Node] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)
    elements: dict[int, list[str]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.is_final or self.below or self.members or self.elements)

    @property
    def moves(self) -> bool:
        """Whether something comes or goes right below, so that separators must change."""
        return bool(self.members or self.elements) or any(node.drop for node in self.below.values())

    @property
    def is_final(self) -> bool:
        return self.drop or self.put is not None


def _plan(root: _Node, edit: Splice) -> None:
    node = root
    for step in edit.path:
        if node.is_final:
            raise ValueError("two edits overlap")
        node = node.below.setdefault(step, _Node())
    if node.is_final or (isinstance(edit, Put | Drop) and not node.is_empty):
        raise ValueError("two edits overlap")
    match edit:
        case Put():
            node.put = dumps(edit.value)
        case Drop():
            node.drop = True
        case AddMember():
            if edit.name in node.members:
                raise ValueError("two edits add the same member")
            node.members[edit.name] = dumps(edit.value)
        case AddElement():
            node.elements.setdefault(edit.index, []).append(dumps(edit.value))


def _rewritten(text: str, at: int, node: _Node) -> tuple[str, int]:
    """The new value that stands at `at`, and where the old one ends."""
    if node.put is not None:
        return node.put, _end(text, at)
    opening = text[at]
    if node.drop:
        raise ValueError("the whole cannot be dropped")
    if opening == '"':
        return _rewritten_inside(text, at, node)
    if opening not in "{[" or (node.members and opening != "{") or (node.elements and opening != "["):
        raise ValueError("an edit leads to a value of another type")
    return _Container(text, at, node).rewritten()


def _rewritten_inside(text: str, at: int, node: _Node) -> tuple[str, int]:
    value, end = scanstring(text, at + 1, True)
    inner = node.below.get(INSIDE)
    if inner is None or len(node.below) != 1:
        raise ValueError("an edit leads into a string")
    start = _skip_space(value, 0)
    new, inner_end = _rewritten(value, start, inner)
    return dumps(value[:start] + new + value[inner_end:]), end


class _Container:
    """An object or array while it is rewritten: its pieces, with the old separators where they fit."""

    __slots__ = ("end", "node", "pieces", "size", "text", "waiting")

    def __init__(self, text: str, at: int, node: _Node) -> None:
        self.text, self.node, self.end = text, node, at + 1
        self.pieces: list[str] = []
        self.size = 0
        self.waiting = set(node.below)

    def rewritten(self) -> tuple[str, int]:
        """The new container, and where the old one ends."""
        if not self.node.moves:
            return self._with_new_values()
        opening = self.end - 1
        first = at = _skip_space(self.text, self.end)
        read = self._member if self.text[opening] == "{" else self._element
        while self.text[at] not in "}]":
            self._add(self.node.elements.get(self.size, ()))
            read(at, "," if at == first else self.text[self.end : at])
            comma = _skip_space(self.text, self.end)
            at = _skip_space(self.text, comma + 1) if self.text[comma] == "," else comma
        if at == first:
            self.end = at
        self._add_rest()
        return self.text[opening:first] + "".join(self.pieces) + self.text[self.end : at + 1], at + 1

    def _with_new_values(self) -> tuple[str, int]:
        """The usual case, and the quicker: nothing comes or goes, so separators stay where they are."""
        text, copied, waiting = self.text, self.end - 1, dict(self.node.below)
        is_object = text[copied] == "{"
        at = _skip_space(text, self.end)
        key: str | int = 0
        while text[at] not in "}]":
            if is_object:
                key, colon = scanstring(text, at + 1, True)
                at = _skip_space(text, _skip_space(text, colon) + 1)
            node = waiting.pop(key, None)
            if node is None:
                end = _end(text, at)
            else:
                new, end = _rewritten(text, at, node)
                self.pieces += (text[copied:at], new)
                copied = end
            at = _skip_space(text, end)
            if text[at] == ",":
                at = _skip_space(text, at + 1)
            key = key if isinstance(key, str) else key + 1
        if waiting:
            raise ValueError("an edit leads to a place that is not there")
        return "".join(self.pieces) + text[copied : at + 1], at + 1

    def _add_rest(self) -> None:
        self._add(self.node.elements.get(self.size, ()))
        self._add(f"{dumps(name)}:{value}" for name, value in self.node.members.items())
        if self.waiting or any(not 0 <= index <= self.size for index in self.node.elements):
            raise ValueError("an edit leads to a place that is not there")

    def _member(self, at: int, before: str) -> None:
        name, colon = scanstring(self.text, at + 1, True)
        if name in self.node.members:
            raise ValueError("an edit adds a member that is there already")
        value = _skip_space(self.text, _skip_space(self.text, colon) + 1)
        self._item(name, at, value, before)

    def _element(self, at: int, before: str) -> None:
        self._item(self.size, at, at, before)

    def _item(self, key: str | int, start: int, value: int, before: str) -> None:
        """Write what stands at `start`, whose value begins at `value`, changed as planned."""
        node = self.node.below.get(key)
        self.waiting.discard(key)
        self.size += 1
        if node is None or node.drop:
            self.end = _end(self.text, value)
            new = self.text[value : self.end]
        else:
            new, self.end = _rewritten(self.text, value, node)
        if node is None or not node.drop:
            self._emit(before, self.text[start:value] + new)

    def _add(self, values: Iterable[str]) -> None:
        for value in values:
            self._emit(",", value)

    def _emit(self, before: str, piece: str) -> None:
        self.pieces += (before, piece) if self.pieces else (piece,)


def _end(text: str, at: int) -> int:
    """Where the value ends that begins at `at`."""
    _value, end = _DECODER.raw_decode(text, at)
    return end


def _skip_space(text: str, at: int) -> int:
    while text[at] in " \t\n\r":
        at += 1
    return at
