"""Evidence as JSON: the bytes that the outbox, S3 and a plugin's queue carry.

Keys stand in the order of the dataclasses. What a record has nothing of is left out: a field that has a
default and is None or empty. So equal records are equal bytes, and a reader takes "absent" for "none".
Writing validates nothing: it is on the hot path, and ten placements cost about 0.1 ms. Reading back
(`penstock.evidence.schema`) validates everything, and happens in background functions only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from functools import cache
from operator import attrgetter
from typing import Any

from pydantic_core import to_json

from penstock.evidence.record import EvidenceRecord, Part

# One record stays under this, so that outbox and queues (256 KB a message, SQS quotas) have room to spare.
MAX_RECORD_BYTES = 64_000


def encode(record: EvidenceRecord, max_bytes: int = MAX_RECORD_BYTES) -> bytes:
    """`record` as compact JSON, cut to `max_bytes` if it must be.

    Details go first, in the order of `_CUTS`, each from all placements at once, until the rest fits; `cut`
    says how many parts of which field went. Placements, controls and upstream attempts always stay, so a
    record of more than about a hundred placements may be larger than the bound: it is still whole.
    """
    body = as_json(as_mapping(record))
    for cut in _CUTS:
        if len(body) <= max_bytes:
            break
        record = cut(record)
        body = as_json(as_mapping(record))
    return body


def as_json(value: object) -> bytes:
    """Plain JSON values as compact bytes."""
    return to_json(value)


def as_mapping(part: Part) -> dict[str, Any]:
    """A part and the parts in it as plain JSON values. Lists are the part's own: not to be changed."""
    get, required, optional = _layout(part.__class__)  # type: ignore[arg-type]  # a class is hashable
    values = iter(get(part))
    # To ask for the kinds that most values are, before any other, took a placement from 19 µs to 9.
    members = {
        name: value if value.__class__ in _SCALARS else _plain(value)
        for name, value in zip(required, values, strict=False)  # the optional ones follow
    }
    for name, value in zip(optional, values, strict=True):
        if value is None:
            continue
        if value.__class__ in _SCALARS:
            members[name] = value
        elif value or isinstance(value, Part):
            members[name] = _plain(value)
    return members


_SCALARS = frozenset({str, int, float, bool, type(None)})


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return as_mapping(value)
    if value.__class__ is list and value and isinstance(value[0], Part):
        return [as_mapping(item) for item in value]
    return value


@cache
def _layout(kind: type[Part]) -> tuple[Callable[[object], tuple[Any, ...]], tuple[str, ...], tuple[str, ...]]:
    """How to get all of a part's values in order, and the names: first the required, then the optional."""
    layout = fields(kind)  # type: ignore[arg-type]  # every Part is a dataclass
    names = tuple(f.name for f in layout)
    required = tuple(f.name for f in layout if f.default is MISSING and f.default_factory is MISSING)
    # Every part has two fields or more, so that the getter always gives a tuple.
    return attrgetter(*names), required, names[len(required) :]


Cut = Callable[[EvidenceRecord], EvidenceRecord]


def _without(name: str, empty: Callable[[], Any]) -> Cut:
    """A cut that empties `name` in every placement."""

    def cut(record: EvidenceRecord) -> EvidenceRecord:
        gone = sum(_size(getattr(placement, name)) for placement in record.placements)
        kept = [replace(placement, **{name: empty()}) for placement in record.placements]
        return _cut(record, f"placements.{name}", gone, placements=kept)

    return cut


def _without_uninspected(record: EvidenceRecord) -> EvidenceRecord:
    """One entry for each kind, policy and plugin is left: which paths of a kind were met is detail."""
    kept = {(entry.kind, entry.policy, entry.plugin): entry for entry in reversed(record.uninspected)}
    gone = len(record.uninspected) - len(kept)
    return _cut(record, "uninspected", gone, uninspected=list(reversed(kept.values())))


def _cut(record: EvidenceRecord, name: str, gone: int, **changed: Any) -> EvidenceRecord:
    marks = {**record.cut, name: gone} if gone else record.cut
    return replace(record, **changed, cut=marks)


def _size(value: object) -> int:
    if value is None:
        return 0
    return len(value) if isinstance(value, list | dict) else 1


def _list() -> list[Any]:
    return []


# What the request id tells anyway comes first, what an auditor asks for first comes last.
_CUTS: tuple[Cut, ...] = (
    _without("inspect", lambda: None),
    _without_uninspected,
    _without("refused", _list),
    _without("saw", lambda: None),
    _without("deliveries", _list),
    _without("changed", _list),
    _without("recorded", dict),
)
