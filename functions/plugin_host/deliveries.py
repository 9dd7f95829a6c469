"""Deliveries to the plugin: batches of its queue, with partial batch responses, and calls of the gateway."""

from __future__ import annotations

import logging
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
from penstock.errors import FailureClass, PenstockError
from penstock.evidence import telemetry
from penstock.evidence.delivery import DeliveryRecord
from penstock.evidence.record import now_ms
from penstock.gates.deadline import Deadlines
from penstock.gates.waited_call import WAITED, decode_waited, encode_taken

log = logging.getLogger(__name__)


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
        self._plugin, self._deployment = plugin, settings.deployment
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
        if WAITED in event:
            return self._answer(event, context)
        self._context, self._delivered, self._failed = context, 0, 0
        response = self._batches.process(event)
        failed = len(response["batchItemFailures"]) + self._failed
        counts = {"BackgroundDelivered": self._delivered, "BackgroundFailed": failed}
        name = self._plugin.placement.plugin
        telemetry.emit(telemetry.count_lines(counts, now_ms(), self._deployment, plugin=name))
        return response

    def _answer(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """What a call of the gateway came to, which waits for it. Raises ValueError for what is no call."""
        call, placement = decode_waited(event), self._plugin.placement
        if (call.plugin, call.digest, call.terms) != (placement.plugin, placement.digest, self._plugin.terms):
            log.error("a call of the gateway was for another deployment of this plugin")
            return encode_taken(call, FailureClass.IMPORT)
        attempt = Attempt.waited(call.remaining_ms / 1000, context.get_remaining_time_in_millis() / 1000)
        try:
            record = self._host.answer(call.message, attempt)
        except PenstockError:
            log.exception("a delivery that is waited for failed", extra={"request_id": call.request_id})
            return encode_taken(call, FailureClass.UNAVAILABLE)
        return encode_taken(call, _failure(record))

    def _deliver(self, message: SQSRecord) -> None:
        remaining_s = self._context.get_remaining_time_in_millis() / 1000
        number = int(message.attributes.approximate_receive_count)
        record = self._host.deliver(message.body, Attempt(message.message_id, number, remaining_s))
        # What failed for good does not come back: at most once, or undeliverable.
        self._failed += record is not None and record.action == "fail"
        self._delivered += record is not None and record.action != "fail"


def _failure(record: DeliveryRecord | None) -> FailureClass | None:
    if record is None or record.action != "fail":
        return None
    return FailureClass(record.failure or FailureClass.UNAVAILABLE)  # `delivery_unknown` has no class
