"""Runs one background plugin, named by PENSTOCK_PLUGIN, from its own queue. SQS, partial batch responses."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from penstock.adapters.clients import Clients
from penstock.adapters.ledger import DynamoLedger
from penstock.adapters.objects import S3Objects
from penstock.adapters.secrets import SecretsManager, decode_digest_key
from penstock.background.batch import Batches
from penstock.background.deployed import background_plugin
from penstock.background.host import Attempt, Parts, PluginHost
from penstock.configuration.settings import Settings
from penstock.configuration.snapshot import Snapshot
from penstock.evidence import logs, telemetry
from penstock.evidence.record import now_ms
from penstock.gates.deadline import Deadlines

PLUGIN = "PENSTOCK_PLUGIN"


class Function:
    """What one environment keeps between invocations: the loaded plugin and its connections."""

    def __init__(self, name: str, settings: Settings, clients: Clients) -> None:
        secrets = SecretsManager(clients)
        plugin = background_plugin(Snapshot.load(Path(settings.snapshot_path)), settings, name)
        parts = Parts(
            objects=S3Objects(clients, settings.evidence_bucket),
            ledger=DynamoLedger(clients, settings.ledger_table),
            secrets=secrets,
            deadlines=Deadlines.for_environment(),
            digest_key=lambda: decode_digest_key(secrets.get(settings.evidence_key_secret)),
            transport=httpx.HTTPTransport(trust_env=False),
            local=settings.local,
        )
        self._name, self._deployment = name, settings.deployment
        self._host = PluginHost(plugin, parts)
        self._batches = Batches(self._deliver)
        self._context: Any = None
        self._delivered = self._failed = 0

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        self._context, self._delivered, self._failed = context, 0, 0
        response = self._batches.process(event)
        failed = len(response["batchItemFailures"]) + self._failed
        counts = {"BackgroundDelivered": self._delivered, "BackgroundFailed": failed}
        telemetry.emit(telemetry.count_lines(counts, now_ms(), self._deployment, plugin=self._name))
        return response

    def _deliver(self, message: SQSRecord) -> None:
        remaining_s = self._context.get_remaining_time_in_millis() / 1000
        number = int(message.attributes.approximate_receive_count)
        record = self._host.deliver(message.body, Attempt(message.message_id, number, remaining_s))
        # What was delivered at most once has failed for good, and does not come back.
        self._failed += record is not None and record.action == "fail"
        self._delivered += record is not None and record.action != "fail"


@cache
def function() -> Function:
    """Built on the first invocation, once per environment."""
    logs.set_up()
    return Function(os.environ[PLUGIN], Settings.read(os.environ), Clients())


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One batch of the plugin's queue."""
    return function()(event, context)
