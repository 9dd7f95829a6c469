"""What outlives every deployment of code: tables, evidence, queues, secrets, the keys of all these."""

from __future__ import annotations

from aws_cdk import Aws, CfnOutput, RemovalPolicies, Stack
from constructs import Construct

from infra.chosen import Chosen
from infra.evidence import EvidenceBucket, EvidenceKey
from infra.exports import ExportsBucket
from infra.keys import CUSTOMER_MANAGED, Keys
from infra.queues import Queue
from infra.secrets import Secrets, named_secrets
from infra.tables import Tables
from penstock.adapters.resources import DELIVERY_KEY_ID, EVIDENCE_KEY_ID, Names, Resources
from penstock.configuration.settings import PLUGIN


class DataStack(Stack):
    """Protected from deletion, and all that is in it stays when the stack is deleted all the same.

    What was made by a first deployment that failed goes with it: its names are fixed, and would be in the way
    of the next.
    """

    def __init__(self, scope: Construct, construct_id: str, chosen: Chosen) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Penstock: tables, evidence, queues",
            termination_protection=True,
        )
        snapshot = chosen.snapshot
        names = Names.of(snapshot.deployment)
        managed = chosen.options.encryption == CUSTOMER_MANAGED
        keys = Keys(self, "Keys", snapshot.deployment) if managed else None
        data, secrets = (keys.data, keys.secrets) if keys else (None, None)
        self.tables = Tables(self, "Tables", deployment=snapshot.deployment, key=data)
        held_days = chosen.options.retention.evidence_days
        self.evidence = EvidenceBucket(
            self, "Evidence", name=names.evidence_bucket, held_days=held_days, key=data
        )
        self.exports: ExportsBucket | None = None
        if any(plugin.exports for plugin in snapshot.plugins.values()):
            self.exports = ExportsBucket(self, "Exports", name=names.exports_bucket, key=data)
        self.evidence_key = EvidenceKey(
            self, "EvidenceKey", name=names.evidence_key_secret, key_id=EVIDENCE_KEY_ID, key=secrets
        )
        self.delivery_key = EvidenceKey(
            self, "DeliveryKey", name=names.delivery_key_secret, key_id=DELIVERY_KEY_ID, key=secrets
        )
        self.secrets = Secrets(self, "Secrets", named_secrets(chosen), key=secrets)
        self.outbox = Queue(self, "Outbox", name=names.outbox, key=data)
        self.plugin_queues = {
            plugin.name: Queue(
                self,
                f"Plugin-{plugin.name}",
                name=names.plugin_queue_pattern.replace(PLUGIN, plugin.name),
                key=data,
            )
            for plugin in snapshot.plugins.values()
            if plugin.in_background
        }
        self.resources = self._resources(snapshot.deployment, names)
        self._say(self.resources)
        RemovalPolicies.of(self).retain_on_update_or_delete()

    def _resources(self, deployment: str, names: Names) -> Resources:
        """What functions and the command line are told; the values are CloudFormation's to fill in."""
        queues = f"https://sqs.{Aws.REGION}.{Aws.URL_SUFFIX}/{Aws.ACCOUNT_ID}"
        return Resources(
            deployment=deployment,
            region=Aws.REGION,
            control_table=self.tables.control.table_name,
            ledger_table=self.tables.ledger.table_name,
            storage_table=self.tables.storage.table_name,
            evidence_bucket=self.evidence.bucket.bucket_name,
            outbox=self.outbox.pair(),
            plugin_queue_pattern=f"{queues}/{names.plugin_queue_pattern}",
            plugin_queues={plugin: queue.pair() for plugin, queue in self.plugin_queues.items()},
            evidence_key_secret=self.evidence_key.secret.secret_arn,
        )

    def _say(self, made: Resources) -> None:
        """Outputs. None for a plugin's queue: the pattern tells them all, and 200 outputs are the most."""
        outputs = {
            "ControlTable": made.control_table,
            "LedgerTable": made.ledger_table,
            "StorageTable": made.storage_table,
            "EvidenceBucket": made.evidence_bucket,
            "OutboxUrl": made.outbox.url,
            "OutboxDeadUrl": made.outbox.dead_url,
            "PluginQueuePattern": made.plugin_queue_pattern,
            "EvidenceKeySecret": made.evidence_key_secret,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
        if self.exports:
            CfnOutput(self, "ExportsBucket", value=self.exports.bucket.bucket_name)
