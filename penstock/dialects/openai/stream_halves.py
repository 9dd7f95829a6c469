"""Where in a chunk a character may be cut in two (`penstock.dialects.stream_halves`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.dialects.openai.stream_chunk import choice_number, numbered
from penstock.dialects.splicing import Path
from penstock.dialects.stream_event import as_object
from penstock.dialects.stream_halves import Key


def pieces(tree: Any) -> Iterator[tuple[Path, Key, str]]:
    """Every text in the choices' deltas that is not empty: its place, and what its next piece is known by."""
    for position, choice in numbered(as_object(tree)):
        for name in ("delta", "text"):
            yield from _strings(choice.get(name), ("choices", position, name), (choice["index"], name))


def _strings(value: Any, at: Path, key: Key) -> Iterator[tuple[Path, Key, str]]:
    if type(value) is str and value:
        yield at, key, value
    elif type(value) is dict:
        for name, below in value.items():
            yield from _strings(below, (*at, name), (*key, name))
    elif type(value) is list:
        for position, below in enumerate(value):
            yield from _strings(below, (*at, position), (*key, choice_number(below, position)))
