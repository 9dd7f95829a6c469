"""Batches of the plugin's queue. SQS, partial batch responses."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from penstock.adapters.clients import Clients
from penstock.adapters.ledger import DynamoLedger
from penstock.adapters.objects import S3Objects
from penstock.adapters.queues import SqsQueues
from penstock.adapters.resources import dead_queue
from penstock.adapters.secrets import Secrets, decode_digest_key
from penstock.background.batch import Batches
from penstock.background.capabilities import Ways
from penstock.background.deployed import background_plugin, ways_out
from penstock.background.host import Attempt, BackgroundPlugin, Parts, PluginHost
from penstock.configuration.settings import Settings
from penstock.configuration.snapshot import Snapshot
from penstock.evidence import telemetry
from penstock.evidence.record import now_ms
from penstock.gates.deadline import Deadlines


class Deliveries:
    """One environment's: the loaded plugin and its connections."""

    def __init__(
        self,
        plugin: BackgroundPlugin,
        settings: Settings,
        clients: Clients,
        *,
        secrets: Secrets,
        deadlines: Deadlines,
        ways: Ways,
    ) -> None:
        queues, dead = SqsQueues(clients), dead_queue(settings.plugin_queue_url(plugin.placement.plugin))
        parts = Parts(
            objects=S3Objects(clients, settings.evidence_bucket),
            ledger=DynamoLedger(clients, settings.ledger_table),
            secrets=secrets,
            deadlines=deadlines,
            digest_key=lambda: decode_digest_key(secrets.get(settings.evidence_key_secret)),
            ways=ways,
            bury=lambda body: queues.send(dead, body),
            local=settings.local,
        )
        self._name, self._deployment = plugin.placement.plugin, settings.deployment
        self._host = PluginHost(plugin, parts)
        self._batches = Batches(self._deliver)
        self._context: Any = None
        self._delivered = self._failed = 0

    @classmethod
    def of(
        cls,
        name: str,
        snapshot: Snapshot,
        settings: Settings,
        clients: Clients,
        secrets: Secrets,
        deadlines: Deadlines,
    ) -> Deliveries:
        """Those of the plugin `name`. Raises ConfigurationError when it is not deployed at after_response."""
        plugin = background_plugin(snapshot, settings, name)
        ways = ways_out(snapshot, settings, clients, name)
        return cls(plugin, settings, clients, secrets=secrets, deadlines=deadlines, ways=ways)

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
        # What failed for good does not come back: at most once, or undeliverable.
        self._failed += record is not None and record.action == "fail"
        self._delivered += record is not None and record.action != "fail"
