"""The texts of a stream that one placement was shown, kept until its record can be made.

What is kept is bounded by the answer. In the end it is put together as one small content, so that the
functions that count and hash a unary answer say the same of a streamed one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from penstock.content import Content, Unseen
from penstock.evidence.record import Changed
from penstock.gates.exchange import Exchange
from penstock.sdk.edits import Edit, Replace, SpanEdit, TextEdit, apply_spans
from penstock.sdk.views import TextValues

Texts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Passed:
    """Texts of one field that went through one placement: one of a channel, or those of a whole part."""

    field: str
    choice: int | None
    came: Texts
    left: Texts
    """As they left it; in shadow, as they would have."""
    shown: Texts
    """What of `came` the plugin was shown: all of it, unless the stream or the placement ended early."""
    edits: int
    has_changed: bool

    def itself(self) -> Passed:
        """For what is kept before its end is known: this is known."""
        return self


class GatheredContent:
    """Texts by field, in memory. Nothing of it is ever sent."""

    def __init__(self, fields: Mapping[str, Texts]) -> None:
        self._fields = {name: TextValues(texts) for name, texts in fields.items()}

    surface = "stream"
    unseen: tuple[Unseen, ...] = ()

    @property
    def unseen_kinds(self) -> Mapping[str, int]:
        return {}

    def some_unseen(self, most: int) -> tuple[Unseen, ...]:  # noqa: ARG002  # the protocol's
        return ()

    @property
    def present(self) -> frozenset[str]:
        return frozenset(name for name, values in self._fields.items() if any(values.texts))

    def texts(self, field: str) -> TextValues:
        return self._fields.get(field) or TextValues(())

    def members(self, field: str) -> Mapping[str, Any]:  # noqa: ARG002  # the protocol's
        return {}

    def edited(self, edits: Sequence[Edit]) -> Content:
        pieces: dict[tuple[str, int], list[Replace]] = {}
        for edit in edits:
            for index, spans in self._spans(edit):
                pieces.setdefault((edit.field, index), []).extend(spans)
        fields = {name: list(values.texts) for name, values in self._fields.items()}
        for (name, index), spans in pieces.items():
            fields[name][index] = apply_spans(fields[name][index], sorted(spans, key=attrgetter("start")))
        return GatheredContent({name: tuple(texts) for name, texts in fields.items()})

    def without(self, unseen: Sequence[Unseen]) -> Content:
        if unseen:
            raise ValueError("nothing here is unseen")
        return self

    def without_field(self, field: str) -> Content:
        return GatheredContent({n: values.texts for n, values in self._fields.items() if n != field})

    def replaced(self, text: str) -> Content:  # noqa: ARG002  # the protocol's
        raise ValueError("parts of a stream cannot be replaced")

    def encoded(self) -> bytes:
        raise ValueError("texts in memory are not sent")

    def _spans(self, edit: Edit) -> Iterable[tuple[int, list[Replace]]]:
        texts = self.texts(edit.field).texts
        if isinstance(edit, SpanEdit):
            found = [(index, [Replace(*span) for span in spans]) for index, spans in edit.spans]
        elif isinstance(edit, TextEdit):
            found = [(i, [Replace(0, len(_at(texts, i)), new)]) for i, new in edit.texts]
        else:
            raise ValueError("texts have no members, and nothing is added to them")  # noqa: TRY004  # the protocol's
        for index, _ in found:
            _at(texts, index)
        return found


def _at(texts: Texts, index: int) -> str:
    if not 0 <= index < len(texts):
        raise ValueError("an edit names a text that is not there")
    return texts[index]


def gathered(passed: Iterable[Passed], which: Callable[[Passed], Texts]) -> GatheredContent:
    """The texts that `which` takes, as an answer has them: choice by choice, then as they first appeared.

    What belongs to no choice, or to one that nobody named, comes last.
    """
    fields: dict[str, Texts] = {}
    for one in sorted(passed, key=lambda p: (p.choice is None, p.choice or 0)):
        fields[one.field] = fields.get(one.field, ()) + which(one)
    return GatheredContent(fields)


def changes(exchange: Exchange, passed: Sequence[Passed], fields: Sequence[str]) -> list[Changed]:
    """What became of `fields`, each as the unary gate would say it."""
    before = exchange.beside(gathered(passed, attrgetter("came")))
    after = exchange.beside(gathered(passed, attrgetter("left")))
    edited = {one.field for one in passed if one.has_changed}
    return [
        Changed(name, sum(one.edits for one in passed if one.field == name), old, new)
        for name in fields
        if name in edited and (old := before.digest(name)) != (new := after.digest(name))
    ]
