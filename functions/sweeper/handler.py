"""Closes intents whose environment was lost. Triggered by a schedule."""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import Any

from penstock.adapters.clients import Clients
from penstock.adapters.ledger import DynamoLedger
from penstock.adapters.objects import S3Objects
from penstock.adapters.queues import SqsQueues
from penstock.configuration.settings import Settings
from penstock.evidence import logs, telemetry
from penstock.evidence.archive import Archive
from penstock.evidence.record import now_ms
from penstock.evidence.recorder import Dispatcher
from penstock.evidence.sweeper import Sweeper, Swept

AGE = "PENSTOCK_SWEEP_AGE_S"
# Lambda's longest timeout is 900 s; a minute more for the outbox. A gateway with less may be told less.
DEFAULT_AGE_S = 960
LIMIT = 1000
RESERVE_MS = 10_000

log = logging.getLogger(__name__)


@cache
def sweeper() -> Sweeper:
    """Built on the first invocation, once per environment."""
    logs.set_up()
    settings, clients = Settings.read(os.environ), Clients()
    return Sweeper(
        Archive(S3Objects(clients, settings.evidence_bucket)),
        DynamoLedger(clients, settings.ledger_table),
        Dispatcher(SqsQueues(clients), settings.plugin_queue_url),
        now_ms,
        int(float(os.environ.get(AGE, DEFAULT_AGE_S)) * 1000),
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """One run; what is left over is the next one's."""
    swept = sweeper().sweep(LIMIT, lambda: context.get_remaining_time_in_millis() > RESERVE_MS)
    report(swept, Settings.read(os.environ).deployment)
    return {"settled": swept.settled, "postponed": swept.postponed, "lost": swept.lost}


def report(swept: Swept, deployment: str) -> None:
    """Metrics only for what happened: a quiet run costs nothing."""
    counts = {"EvidenceStored": swept.stored, "EvidenceLost": swept.lost}
    telemetry.emit(telemetry.count_lines(counts, now_ms(), deployment))
    if swept.stored:
        log.warning("requests without outcome were closed", extra={"count": swept.stored})
