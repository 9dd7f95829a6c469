"""Outbox → evidence in S3 → background plugins' queues. Triggered by SQS with partial batch responses."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from penstock.adapters.clients import Clients
from penstock.adapters.ledger import DynamoLedger
from penstock.adapters.objects import S3Objects
from penstock.adapters.queues import SqsQueues
from penstock.background.batch import Batches
from penstock.configuration.settings import Settings
from penstock.evidence import logs, telemetry
from penstock.evidence.archive import Archive
from penstock.evidence.record import EvidenceRecord, now_ms
from penstock.evidence.recorder import Dispatcher, Recorder


class Function:
    """What one environment keeps between invocations."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._recorder = Recorder(
            Archive(S3Objects(clients, settings.evidence_bucket)),
            DynamoLedger(clients, settings.ledger_table),
            Dispatcher(SqsQueues(clients), settings.plugin_queue_url),
            now_ms,
        )
        self._deployment = settings.deployment
        self._batches = Batches(self._record)
        self._stored: list[EvidenceRecord] = []

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        self._stored.clear()
        response = self._batches.process(event)
        counts = {"EvidenceStored": len(self._stored)}
        lines = telemetry.batch_lines(self._stored, now_ms(), self._deployment)
        telemetry.emit(lines + telemetry.count_lines(counts, now_ms(), self._deployment))
        return response

    def _record(self, message: SQSRecord) -> None:
        record = self._recorder.record(message.body)
        if record is not None:
            self._stored.append(record)


@cache
def function() -> Function:
    """Built on the first invocation, once per environment."""
    logs.set_up()
    return Function(Settings.read(os.environ), Clients())


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One batch of the outbox."""
    return function()(event)
