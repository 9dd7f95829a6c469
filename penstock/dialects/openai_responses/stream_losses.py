"""Whether all that events said is in the answer, or the item, that a guard has looked at.

What a stream says again (`*.done`, `response.completed`) need not be what its deltas said. A stream whose
events said anything more must not leave as it came; it is written anew. What passes under every guard is no
loss: short numbers, and strings that say nothing (`openai.paths`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.dialects.openai_responses.echo import strings_of
from penstock.dialects.openai_responses.stream_event import StreamEvent
from penstock.dialects.openai_responses.stream_items import TEXTS
from penstock.dialects.openai_responses.stream_paths import event_matcher
from penstock.dialects.paths import Classified, Here, path_of
from penstock.dialects.splicing import INSIDE


class Losses:
    """Takes note of events; then says whether something of them is nowhere else."""

    __slots__ = ("_pieces", "_said")

    def __init__(self) -> None:
        self._pieces: dict[tuple[Any, ...], list[str]] = {}
        self._said: set[str] = set()

    def note(self, came: StreamEvent) -> None:
        """One more event."""
        delta = came.tree.get("delta")
        stem = came.kind.removesuffix(".delta")
        if stem in TEXTS and stem != came.kind and type(delta) is str:
            where = (stem, *(repr(came.tree.get(name)) for name in ("output_index", TEXTS[stem].number)))
            self._pieces.setdefault(where, []).append(delta)
            rest = {name: value for name, value in came.tree.items() if name != "delta"}
            self._said.update(_said(rest, event_matcher().classify(rest)))
        else:
            self._said.update(_said(came.tree, came.classified))

    def has(self, whole: Any) -> bool:
        """Whether the events said anything that is not in `whole`, which is JSON."""
        known = set(strings_of(whole))
        texts = map("".join, self._pieces.values())
        return any(text and text not in known for text in (*self._said, *texts))


def _said(tree: Any, found: Classified) -> Iterator[str]:
    for texts in found.fields.values():
        for value, here in zip(texts.values, texts.places, strict=True):
            yield _outside(tree, value, here)
    for kind, here in found.hidden:
        at = path_of(here)
        yield str(at[-1]) if kind == "key" else _outside(tree, None, here)


def _outside(tree: Any, value: str | None, here: Here | None) -> str:
    """The string at `here`; of a text in JSON the string that holds it."""
    for step in path_of(here):
        if step == INSIDE:
            break
        tree = tree[step]
    return tree if type(tree) is str else value or str(tree)
