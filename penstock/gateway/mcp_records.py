"""One record for each placement, however many messages of one HTTP request its gate has run on.

The strongest action counts, the others stand beside it; texts, characters, edits, calls and numbers add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from penstock.evidence.digests import Digester
from penstock.evidence.record import Action, Changed, PlacementRecord, Saw, Uninspected
from penstock.gates.exchange import Exchange
from penstock.gates.gate import Gate, GateResult
from penstock.gates.overrides import Overrides

# behaviour.md, section 4: when several apply, the strongest is the action.
_STRENGTH: Final[tuple[Action, ...]] = (
    *("dispatched", "skipped", "allow", "record", "emit", "transform"),
    *("block", "fail"),
)


class Runs:
    """One gate, run on one message after another."""

    def __init__(self, gate: Gate, overrides: Overrides, digester: Digester) -> None:
        self.gate = gate
        self._overrides = overrides
        self._digester = digester
        self._results: list[GateResult] = []

    def run(self, exchange: Exchange) -> GateResult:
        """Run it. Raises AccountingError when a placement is left without its record."""
        result = self.gate.run(exchange, self._overrides)
        self._results.append(result)
        if len(self._results) > 1:
            self._results = [self._together()]
        return result

    def result(self) -> GateResult | None:
        """All runs as one; None when there was none."""
        return self._results[0] if self._results else None

    def _together(self) -> GateResult:
        one, other = self._results
        pairs = zip(one.records, other.records, strict=True)
        return GateResult(
            denial=one.denial or other.denial,
            answer=one.answer or other.answer,
            records=[together(first, second, self._digester) for first, second in pairs],
            uninspected=_counted([*one.uninspected, *other.uninspected]),
            ms=round(one.ms + other.ms, 3),
        )


def together(one: PlacementRecord, other: PlacementRecord, digester: Digester) -> PlacementRecord:
    """The records of two runs of one placement as one record."""
    strong, weak = sorted((one, other), key=lambda record: _STRENGTH.index(record.action), reverse=True)
    beside = (*strong.also, weak.action, *weak.also)
    also: list[Action] = [a for a in dict.fromkeys(beside) if a not in {strong.action, "skipped", "allow"}]
    return replace(
        strong,
        would=one.would or other.would,
        reason=strong.reason or (weak.reason if weak.action != "skipped" else None),
        failure=strong.failure or weak.failure,
        also=also,
        saw=_saw(one.saw, other.saw, digester),
        changed=_changed([*one.changed, *other.changed], digester),
        recorded=_recorded(one, other),
        deliveries=[*one.deliveries, *other.deliveries],
        refused=list(dict.fromkeys([*one.refused, *other.refused])),
        calls=one.calls + other.calls,
        ms=round(one.ms + other.ms, 3),
    )


def _saw(one: Saw | None, other: Saw | None, digester: Digester) -> Saw | None:
    if one is None or other is None:
        return one or other
    digests = [saw.digest for saw in (one, other) if saw.digest is not None]
    whole = digester.texts("saw", digests) if digests else None
    return Saw(one.fields, one.segments + other.segments, one.chars + other.chars, whole)


def _changed(changes: Sequence[Changed], digester: Digester) -> list[Changed]:
    found: dict[str, Changed] = {}
    for change in changes:
        known = found.get(change.field)
        found[change.field] = (
            change
            if known is None
            else Changed(
                change.field,
                known.edits + change.edits,
                _digest(change.field, (known.before, change.before), digester),
                _digest(change.field, (known.after, change.after), digester),
            )
        )
    return list(found.values())


def _digest(field: str, digests: Sequence[str | None], digester: Digester) -> str | None:
    there = [digest for digest in digests if digest is not None]
    return digester.texts(field, there) if there else None


def _recorded(one: PlacementRecord, other: PlacementRecord) -> dict[str, float | str]:
    """Numbers add up; of other values the later one counts."""
    recorded: dict[str, float | str] = dict(one.recorded)
    for name, value in other.recorded.items():
        known = recorded.get(name)
        both = isinstance(known, int | float) and isinstance(value, int | float)
        recorded[name] = known + value if both else value  # type: ignore[operator]  # `both` says that they add
    return recorded


def _counted(parts: Sequence[Uninspected]) -> list[Uninspected]:
    found: dict[tuple[str, str, str, str], Uninspected] = {}
    for part in parts:
        key = (part.path, part.kind, part.policy, part.plugin)
        known = found.get(key)
        found[key] = part if known is None else replace(part, count=known.count + part.count)
    return list(found.values())
