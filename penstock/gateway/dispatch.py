"""Which background plugins a finished request goes to: decided here, delivered from the queue.

A background placement has nothing to shadow: in shadow, and outside its rollout, it gets nothing and is
recorded as `sampled_out`.

Who is waited for (`wait = true`) is `dispatched` too, on the `response`'s path: the gateway calls it itself
(waiting.py), and its queue keeps a message for what that leaves undone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.evidence.record import PlacementRecord, SkipReason
from penstock.gates.gate import disposition
from penstock.gates.overrides import Overrides
from penstock.gates.placement import Mode, Placement
from penstock.gates.records import blank


def dispatch(
    placements: Sequence[Placement], facts: Mapping[str, str | None], request_id: str, overrides: Overrides
) -> list[PlacementRecord]:
    """One record for each background placement: `dispatched`, or `skipped` with its reason."""
    return [_dispatched(placement, facts, request_id, overrides) for placement in placements]


def skipped(placements: Sequence[Placement], reason: SkipReason) -> list[PlacementRecord]:
    """Records of background placements that get nothing."""
    records = [blank(placement, placement.mode, reason) for placement in placements]
    for record in records:
        record.path = "background"
    return records


def receivers(records: Sequence[PlacementRecord]) -> list[str]:
    """The plugins that are to get the request's evidence."""
    return [record.plugin for record in records if record.action == "dispatched"]


def unwaited(records: Sequence[PlacementRecord]) -> None:
    """Nobody waits for the answer any more: all of them get the evidence from their queues."""
    for record in records:
        if record.style == "background":
            record.path = "background"


def _dispatched(
    placement: Placement, facts: Mapping[str, str | None], request_id: str, overrides: Overrides
) -> PlacementRecord:
    mode, reason = disposition(placement, facts, request_id, overrides)
    if reason is None and mode is Mode.SHADOW:
        reason = "sampled_out"
    record = blank(placement, mode, reason)
    record.path = "background"
    if reason is None:
        record.action, record.path = "dispatched", "response" if placement.wait else "background"
    return record
