"""What one deployment has in AWS, by name: made by `provision` or by the stacks, told to functions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from penstock.configuration.settings import PLUGIN, Settings

MAX_RECEIVES = 5  # five tries, then the dead-letter queue (behaviour.md, section 7)
# Six times the function's timeout of 60 s (Lambda Developer Guide, "Using Lambda with Amazon SQS").
VISIBILITY_S = 360
DEAD_RETENTION_S = 14 * 24 * 3600  # the longest that SQS keeps a message
EVIDENCE_KEY_ID = "k1"
DELIVERY_KEY_ID = "d1"


@dataclass(frozen=True, slots=True)
class QueuePair:
    """A queue and where its messages go that were received in vain too often."""

    url: str
    arn: str
    dead_url: str
    dead_arn: str


@dataclass(frozen=True, slots=True)
class Names:
    """How the resources of a deployment are called."""

    control_table: str
    ledger_table: str
    storage_table: str
    evidence_bucket: str
    outbox: str
    plugin_queue_pattern: str
    evidence_key_secret: str
    delivery_key_secret: str
    """Of what plugins' functions digest: with the evidence key they could seal MCP's ids like the gateway."""
    exports_bucket: str
    upstream_secrets: str
    """How names begin of secrets that the gateway may read whenever they were stored."""

    @classmethod
    def of(cls, deployment: str) -> Names:
        """The names for `deployment`: lower-case letters, digits and `-`, as bucket names demand."""
        return cls(
            control_table=f"{deployment}-control",
            ledger_table=f"{deployment}-ledger",
            storage_table=f"{deployment}-storage",
            evidence_bucket=f"{deployment}-evidence",
            outbox=f"{deployment}-outbox",
            plugin_queue_pattern=f"{deployment}-plugin-{PLUGIN}",
            evidence_key_secret=f"{deployment}/evidence-key",
            delivery_key_secret=f"{deployment}/delivery-key",
            exports_bucket=f"{deployment}-exports",
            upstream_secrets=f"{deployment}/upstreams/",
        )


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources themselves. `plugin_queues`: background plugin → its queue."""

    deployment: str
    region: str
    control_table: str
    ledger_table: str
    storage_table: str
    evidence_bucket: str
    outbox: QueuePair
    plugin_queue_pattern: str
    plugin_queues: Mapping[str, QueuePair]
    evidence_key_secret: str
    exports_bucket: str = ""
    """Empty: functions are told of it one by one, or there is none."""

    def settings(self, snapshot_path: str, plugin_roots: tuple[str, ...], *, local: bool = False) -> Settings:
        """What a function of this deployment is told."""
        return Settings(
            control_table=self.control_table,
            ledger_table=self.ledger_table,
            storage_table=self.storage_table,
            evidence_bucket=self.evidence_bucket,
            outbox_url=self.outbox.url,
            plugin_queue_pattern=self.plugin_queue_pattern,
            evidence_key_secret=self.evidence_key_secret,
            snapshot_path=snapshot_path,
            region=self.region,
            deployment=self.deployment,
            plugin_roots=plugin_roots,
            local=local,
            exports_bucket=self.exports_bucket,
        )

    def encoded(self) -> str:
        """As JSON, for the file that the command line finds a deployment by. Holds no secret."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def decode(cls, text: str) -> Resources:
        """What `encoded` wrote. Raises ValueError, KeyError or TypeError for anything else."""
        fields = json.loads(text)
        queues = {name: QueuePair(**pair) for name, pair in fields.pop("plugin_queues").items()}
        return cls(outbox=QueuePair(**fields.pop("outbox")), plugin_queues=queues, **fields)


def link_secret(deployment: str, plugin: str) -> str:
    """The name of the secret that the links to a plugin's approvals are signed with."""
    return f"{deployment}/approvals/{plugin}"


def dead_queue(queue: str) -> str:
    """The name of the queue to which what `queue` could not deliver goes."""
    return f"{queue}-dead"
