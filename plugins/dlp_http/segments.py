"""From granted fields to the texts that a DLP is shown, each once, and from its verdicts to edits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from penstock.sdk import Edit, Members, Replace, Texts
from penstock.sdk.edits import apply_spans

Found = Mapping[str, tuple[Replace, ...]]
"""Text → what stands in it in place of what; a text of which nothing is said stays as it is."""

LONG_NUMBER: Final = 10**7  # eight digits: the shortest telephone number


class Verdict(NamedTuple):
    """What a DLP says of one text: stop everything, or replace these spans; neither: let it pass."""

    block: bool = False
    spans: tuple[Replace, ...] = ()


class Limits(NamedTuple):
    """`batch_bytes` of a request's segments as JSON; one longer segment goes alone, up to `most_bytes`."""

    batch_bytes: int
    batch_segments: int
    requests: int
    most_bytes: int


class TooMuchError(Exception):
    """The texts do not fit into as many requests as there may be."""


def texts_of(views: Sequence[Texts | Members]) -> tuple[str, ...]:
    """Every text of the views that says anything, in order, each once: a DLP is paid by the text."""
    found = (text for view in views for text in _texts(view) if text.strip())
    return tuple(dict.fromkeys(found))


def batches(texts: Sequence[str], sizes_bytes: Sequence[int], limits: Limits) -> list[list[str]]:
    """The texts in order, in as few requests as hold them. Raises TooMuchError."""
    made: list[list[str]] = []
    room_bytes = 0
    for text, size_bytes in zip(texts, sizes_bytes, strict=True):
        if size_bytes > limits.most_bytes:
            raise TooMuchError
        if not made or size_bytes > room_bytes or len(made[-1]) == limits.batch_segments:
            made.append([])
            room_bytes = limits.batch_bytes
        made[-1].append(text)
        room_bytes -= size_bytes
    if len(made) > limits.requests:
        raise TooMuchError
    return made


def edits(views: Sequence[Texts | Members], found: Found) -> Iterator[Edit]:
    """What makes the views hold the texts as the DLP wants them."""
    for view in views:
        if isinstance(view, Members):
            for name in view:
                old = _member(view, name)
                if (new := _masked(old, found)) != old:
                    yield view.set(name, new)
        elif edit := view.replace(lambda text: found.get(text, ())):
            yield edit


def _texts(view: Texts | Members) -> Iterator[str]:
    if isinstance(view, Texts):
        yield from view
        return
    for name in view:
        yield from (text for _, text in _leaves(_member(view, name)))


def _member(view: Members, name: str) -> Any:
    """One member; None for a number that is the API's own: a seed, a limit."""
    value = view[name]
    return None if view.field == "request.parameters" and type(value) in (int, float) else value


def _leaves(value: Any) -> Iterator[tuple[Any, str]]:
    """Each leaf of JSON that may say something, with its text: strings, and long numbers."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner)
    elif (text := _text(value)) is not None:
        yield value, text


def _text(leaf: Any) -> str | None:
    if isinstance(leaf, str):
        return leaf
    is_long = type(leaf) in (int, float) and not -LONG_NUMBER < leaf < LONG_NUMBER
    return str(int(leaf) if isinstance(leaf, float) and leaf.is_integer() else leaf) if is_long else None


def _masked(value: Any, found: Found) -> Any:
    """`value` with its leaves replaced; a number of which anything is masked becomes a text."""
    if isinstance(value, Mapping):
        return {name: _masked(inner, found) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_masked(inner, found) for inner in value)
    text = _text(value)
    spans = found.get(text, ()) if text is not None else ()
    return apply_spans(text, spans) if text is not None and spans else value
