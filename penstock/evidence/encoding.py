"""Evidence as JSON: the bytes that the outbox, S3 and a plugin's queue carry.

Keys stand in the order of the dataclasses. What a record has nothing of is left out: a field that has a
default and is None or empty. So equal records are equal bytes, and a reader takes "absent" for "none".
Writing validates nothing: it is on the hot path. Reading back (`penstock.evidence.schema`) validates
everything, and happens in background functions only.

A record has many placements, and most of what each says is the same for every request: that is written once
and kept as bytes (`_constant`). So ten placements cost 28 µs, and 70 without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields, replace
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, Final, NamedTuple, get_args, get_type_hints

from pydantic_core import to_json

from penstock.evidence.record import (
    ControlRecord,
    EvidenceRecord,
    Part,
    PlacementRecord,
    Principal,
    Resource,
)

# One record stays under this, so that outbox and queues (256 KB a message, SQS quotas) have room to spare.
MAX_RECORD_BYTES = 64_000


def encode(record: EvidenceRecord, max_bytes: int = MAX_RECORD_BYTES) -> bytes:
    """`record` as compact JSON, cut to `max_bytes` if it must be.

    Details go first, in the order of `_CUTS`, each from all placements at once, until the rest fits; `cut`
    says how many parts of which field went. Placements, controls and upstream attempts always stay, so a
    record of more than about a hundred placements may be larger than the bound: it is still whole.
    """
    body = _encoded(record)
    for cut in _CUTS:
        if len(body) <= max_bytes:
            break
        record = cut(record)
        body = _encoded(record)
    return body


def _encoded(record: EvidenceRecord) -> bytes:
    """The same bytes as `as_json(as_mapping(record))`."""
    members = _shallow(record)
    if record.placements:
        members["placements"] = 0
    # A quote inside of a string is escaped, and what stands before the placements has no number of this name.
    head, mark, tail = as_json(_deepened(members, _layout(EvidenceRecord))).partition(_PLACEMENTS)
    return b"".join((head, mark[:-1], _placements(record.placements), tail)) if mark else head


_PLACEMENTS: Final = b'"placements":0'


def _placements(records: Sequence[PlacementRecord]) -> bytes:
    saws: dict[int, bytes] = {id(None): b""}
    for record in records:
        # Those of one gate that read the same were handed the same, and share what says so.
        if id(record.saw) not in saws:
            saws[id(record.saw)] = b'"saw":%b,' % as_json(_plain(record.saw))
    return b"[%b]" % b",".join([_placement(record, saws[id(record.saw)]) for record in records])


def _placement(record: PlacementRecord, saw: bytes) -> bytes:
    """As `as_json(as_mapping(record))`. `saw`: that member, with the comma after it."""
    rest: dict[str, Any] = {}
    if record.changed:
        rest["changed"] = [as_mapping(part) for part in record.changed]
    if record.recorded:
        rest["recorded"] = record.recorded
    if record.deliveries:
        rest["deliveries"] = [as_mapping(part) for part in record.deliveries]
    if record.refused:
        rest["refused"] = record.refused
    if record.reference:
        rest["reference"] = record.reference
    rest["calls"] = record.calls
    rest["ms"] = record.ms
    rest["path"] = record.path
    if record.inspect:
        rest["inspect"] = as_mapping(record.inspect)
    return _constant(_known_values(record), tuple(record.also)) + saw + as_json(rest)[1:]


# Names of configuration and codes of manifests: few combinations of them exist, of some 0.5 KB each.
_COMBINATIONS: Final = 1024
_KNOWN: Final = (
    "plugin",
    "version",
    "digest",
    "moment",
    "style",
    "host",
    "order",
    "mode",
    "action",
    "would",
    "reason",
    "failure",
)
_known_values = attrgetter(*_KNOWN)


@lru_cache(_COMBINATIONS)
def _constant(known: tuple[str | int | None, ...], also: tuple[str, ...]) -> bytes:
    """A placement up to what it saw, with the comma. `known`: values of `_KNOWN`."""
    members = {name: value for name, value in zip(_KNOWN, known, strict=True) if value is not None}
    return as_json({**members, "also": also} if also else members)[:-1] + b","


def as_json(value: object) -> bytes:
    """Plain JSON values as compact bytes."""
    return to_json(value)


def as_mapping(part: Part) -> dict[str, Any]:
    """A part and the parts in it as plain JSON values.

    Lists are the part's own, and equal parts may share one mapping: neither is to be changed.
    """
    layout = _layout(part.__class__)  # type: ignore[arg-type]  # a class is hashable
    if layout.is_known:
        return _known(part.__class__, layout.values(part))  # type: ignore[arg-type]  # same
    return _deepened(_shallow(part), layout)


def _shallow(part: Part) -> dict[str, Any]:
    """A part's own members, the parts in it as they are."""
    layout = _layout(part.__class__)  # type: ignore[arg-type]  # a class is hashable
    values = layout.values(part)
    members: dict[str, Any] = dict(zip(layout.required, values, strict=False))
    if layout.optional:
        rest = zip(layout.optional, values[len(members) :], strict=True)
        # Nothing is asked of a value that the layout knows already: that would take twice as long.
        members |= {name: value for name, value in rest if value or value.__class__ in _KEPT_WHEN_FALSE}
    return members


_KEPT_WHEN_FALSE = frozenset({str, int, float, bool})


def _deepened(members: dict[str, Any], layout: _Layout) -> dict[str, Any]:
    for name in layout.with_parts:
        if name in members:
            members[name] = _plain(members[name])
    return members


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return as_mapping(value)
    return [as_mapping(item) for item in value] if isinstance(value, list) else value


# All of these is names and codes of configuration: few combinations exist, and requests share them.
_ALL_KNOWN: Final = frozenset({Principal, Resource, ControlRecord})


@lru_cache(_COMBINATIONS)
def _known(kind: type[Part], values: tuple[str | int | None, ...]) -> dict[str, Any]:
    return _shallow(kind(*values))


class _Layout(NamedTuple):
    """How to get all of a part's values in order, required ones first, and the names that go with them."""

    values: Callable[[object], tuple[Any, ...]]
    required: tuple[str, ...]
    optional: tuple[str, ...]
    with_parts: tuple[str, ...]
    """Those that hold a part or a list of parts."""
    is_known: bool


@cache
def _layout(kind: type[Part]) -> _Layout:
    layout = fields(kind)  # type: ignore[arg-type]  # every Part is a dataclass
    names = tuple(f.name for f in layout)
    required = tuple(f.name for f in layout if f.default is MISSING and f.default_factory is MISSING)
    hints = get_type_hints(kind)
    with_parts = tuple(name for name in names if _holds_parts(hints[name]))
    # Every part has two fields or more, so that the getter always gives a tuple.
    return _Layout(attrgetter(*names), required, names[len(required) :], with_parts, kind in _ALL_KNOWN)


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
