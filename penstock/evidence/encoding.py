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
from typing import Any, NamedTuple, get_args, get_type_hints

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
    layout = _layout(part.__class__)  # type: ignore[arg-type]  # a class is hashable
    values = layout.values(part)
    members: dict[str, Any] = dict(zip(layout.required, values, strict=False))
    if layout.is_flat:
        return members
    rest = zip(layout.optional, values[len(members) :], strict=True)
    # With nothing asked of a value that the layout knows already, a placement takes 5 µs instead of 9.
    members |= {name: value for name, value in rest if value or value.__class__ in _KEPT_WHEN_FALSE}
    for name in layout.with_parts:
        if name in members:
            members[name] = _plain(members[name])
    return members


_KEPT_WHEN_FALSE = frozenset({str, int, float, bool})


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return as_mapping(value)
    return [as_mapping(item) for item in value] if isinstance(value, list) else value


class _Layout(NamedTuple):
    """How to get all of a part's values in order, required ones first, and the names that go with them."""

    values: Callable[[object], tuple[Any, ...]]
    required: tuple[str, ...]
    optional: tuple[str, ...]
    with_parts: tuple[str, ...]
    """Those that hold a part or a list of parts."""
    is_flat: bool
    """True when all are required and plain, as of what a placement saw."""


@cache
def _layout(kind: type[Part]) -> _Layout:
    layout = fields(kind)  # type: ignore[arg-type]  # every Part is a dataclass
    names = tuple(f.name for f in layout)
    required = tuple(f.name for f in layout if f.default is MISSING and f.default_factory is MISSING)
    hints = get_type_hints(kind)
    with_parts = tuple(name for name in names if _holds_parts(hints[name]))
    # Every part has two fields or more, so that the getter always gives a tuple.
    is_flat = required == names and not with_parts
    return _Layout(attrgetter(*names), required, names[len(required) :], with_parts, is_flat)


def _holds_parts(hint: Any) -> bool:
    if isinstance(hint, type) and issubclass(hint, Part):
        return True
    return any(map(_holds_parts, get_args(hint)))


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
    # The gateway may have cut some already: what is filled in later can make the rest too large again.
    marks = {**record.cut, name: record.cut.get(name, 0) + gone} if gone else record.cut
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
