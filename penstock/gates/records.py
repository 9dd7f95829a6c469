"""Makes the one record that each placement leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from typing import Final

from penstock.errors import FailureClass, PluginError
from penstock.evidence.digests import Digester
from penstock.evidence.record import Action, Delivery, PlacementRecord, SkipReason
from penstock.gates.host import Sent
from penstock.gates.placement import Mode, Placement

# behaviour.md, section 4: when several apply, the strongest is the action.
STRENGTH: Final[tuple[Action, ...]] = ("fail", "block", "transform", "emit", "record", "allow")


def blank(placement: Placement, mode: Mode, skipped: SkipReason | None = None) -> PlacementRecord:
    """A record that says `allow`, or why the placement did not run."""
    record = PlacementRecord(  # in the order of the dataclass: names would take twice as long
        placement.plugin,
        placement.version,
        placement.digest,
        placement.moment,
        placement.style,
        placement.host,
        placement.order,
        mode.label,
        "allow",
    )
    if skipped:
        record.action = "skipped"
        record.reason = skipped
    return record


def failed(placement: Placement, mode: Mode, failure: PluginError) -> PlacementRecord:
    """A record of a failure, with its class."""
    record = blank(placement, mode)
    record.action = "fail"
    record.failure = failure.failure.value
    return record


def our_fault() -> PluginError:
    """What a crash of the gateway's own code counts as for the placement whose turn it was."""
    return PluginError(FailureClass.EXCEPTION, "the gateway failed while it ran the plugin")


def delivered(sent: Sequence[Sent], digester: Digester) -> list[Delivery]:
    """What left for outside systems; a receiver's own ids are digested here, where the key is."""
    return [
        Delivery(
            host,
            status,
            None if receipt is None else digester.text("deliveries.delivery_id", receipt),
        )
        for host, status, receipt in sent
    ]


def become(record: PlacementRecord, other: PlacementRecord) -> None:
    """Have `record`, which others hold already, say what `other` says."""
    for name in _FIELDS:
        setattr(record, name, getattr(other, name))


_FIELDS: Final = tuple(each.name for each in fields(PlacementRecord))


def settle(record: PlacementRecord, *besides: Action) -> None:
    """Count `besides` and what it recorded: the strongest action stands, the others stand beside it."""
    if not (besides or record.recorded or record.deliveries):
        return
    actions = (record.action, *besides)
    record.action, *record.also = _ranked(actions, bool(record.recorded), bool(record.deliveries))


@cache  # one for each few actions and each way to leave something
def _ranked(told: tuple[Action, ...], recorded: bool, emitted: bool) -> tuple[Action, ...]:
    actions: set[Action] = {*told}
    if recorded:
        actions.add("record")
    if emitted:
        actions.add("emit")
    strongest, *rest = (action for action in STRENGTH if action in actions)
    return (strongest, *(action for action in rest if action != "allow"))
