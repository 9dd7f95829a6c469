"""Seals the evidence of the hours that are over. Triggered by a schedule."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from penstock.adapters.clients import Clients
from penstock.adapters.objects import S3Objects
from penstock.adapters.seal_note import DynamoSealNotes
from penstock.configuration.settings import Settings
from penstock.evidence import logs, telemetry
from penstock.evidence.record import now_ms, timestamp
from penstock.evidence.sealing import GRACE_MS, Sealed, Sealer

GRACE = "PENSTOCK_SEAL_GRACE_S"
# One page of objects is read and stored in less, even when S3 is slow.
RESERVE_MS = 60_000


@cache
def sealer() -> Sealer:
    """Built on the first invocation, once per environment."""
    logs.set_up()
    settings, clients = Settings.read(os.environ), Clients()
    return Sealer(
        S3Objects(clients, settings.evidence_bucket),
        DynamoSealNotes(clients, settings.ledger_table),
        now_ms,
        int(float(os.environ.get(GRACE, GRACE_MS / 1000)) * 1000),
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One run; what is left over is the next one's."""
    sealed = sealer().run(lambda: context.get_remaining_time_in_millis() > RESERVE_MS)
    if not sealed.is_idle:
        report(sealed, Settings.read(os.environ).deployment)
    return {"seal": sealed.head.number, "objects": sealed.objects, "is_whole": sealed.is_whole}


def report(sealed: Sealed, deployment: str) -> None:
    """Count the run when it is whole, and say in the log, which is another store, where the chain ends."""
    through_ms = sealed.head.through_ms
    counts = [
        telemetry.Metric("EvidenceSeals", "Count", int(sealed.is_whole)),
        telemetry.Metric("EvidenceSealed", "Count", sealed.objects),
    ]
    members = {
        "seal": sealed.head.number,
        "seal_digest": sealed.head.digest,
        "sealed_through": None if through_ms is None else timestamp(through_ms),
    }
    telemetry.emit([telemetry.line([telemetry.Group((), counts)], members, now_ms(), deployment)])
