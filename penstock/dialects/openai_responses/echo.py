"""What an answer repeats of its request, as it is: `instructions`, `tools`, `metadata` and the like.

It has passed the gate before the upstream, and nobody wrote it anew: it is no text of the answer, so that a
guard of answers is not shown its caller's own instructions. What stands there and was not in the request, as
what a prompt template says, is a text of the answer like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

from penstock.dialects.paths import Classified, Found, Here, path_of
from penstock.dialects.splicing import INSIDE, Path
from penstock.sdk.openai_paths import ECHOED


class Echo:
    """The strings of one request, as it went to the upstream; gathered when somebody asks."""

    def __init__(self, tree: Any = None) -> None:
        self._tree = tree

    @cached_property
    def strings(self) -> frozenset[str]:
        """Its values, its names, and its long numbers as their digits."""
        return frozenset(strings_of(self._tree))

    def without(self, found: Classified, tree: Any, below: Path = ()) -> Classified:
        """`found` in `tree`, without what the answer repeats; `below`: where in it the answer is."""
        if self._tree is None:
            return found
        fields = {name: self._new(texts, below) for name, texts in found.fields.items()}
        hidden = [
            (kind, here)
            for kind, here in found.hidden
            if not self._is_said(here, _at(tree, kind, here), below)
        ]
        return replace(found, fields=fields, hidden=hidden)

    def _new(self, found: Found, below: Path) -> Found:
        pairs = list(zip(found.values, found.places, strict=True))
        kept = [(value, here) for value, here in pairs if not self._is_said(here, value, below)]
        return found if len(kept) == len(pairs) else Found([v for v, _ in kept], [here for _, here in kept])

    def _is_said(self, here: Here | None, value: Any, below: Path) -> bool:
        at, size = path_of(here), len(below)
        is_echo = at[:size] == below and len(at) > size and at[size] in ECHOED
        return is_echo and isinstance(value, str) and value in self.strings


def _at(tree: Any, kind: str, here: Here | None) -> Any:
    """What is hidden at `here`: a value, or a name."""
    at = path_of(here)
    if kind == "key":
        return at[-1]
    for step in at:
        if step == INSIDE:
            return None
        tree = tree[step]
    return tree


def strings_of(value: Any) -> Iterator[str]:
    """Every string in JSON, names too, and every number as its digits."""
    if type(value) is dict:
        for name, below in value.items():
            yield name
            yield from strings_of(below)
    elif type(value) is list:
        for below in value:
            yield from strings_of(below)
    elif type(value) is str:
        yield value
    elif type(value) is int or type(value) is float:
        yield str(int(value)) if value == value // 1 else repr(value)
