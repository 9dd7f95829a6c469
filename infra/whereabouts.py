"""Where the data stack's resources are, told by their names.

The stacks are not tied by exports: CloudFormation would refuse to remove a queue while the other stack still
imports it, and the data stack, which goes first, could never lose a plugin.
"""

from __future__ import annotations

from aws_cdk import Aws

from penstock.adapters.resources import Names, QueuePair, Resources, dead_queue
from penstock.configuration.settings import PLUGIN

# What Secrets Manager adds to a name in an ARN: a hyphen and six characters (its User Guide).
SUFFIX = "-??????"


class Whereabouts:
    """ARNs, addresses and names of one deployment, as CloudFormation fills them in."""

    def __init__(self, deployment: str) -> None:
        self.deployment = deployment
        self.names = Names.of(deployment)
        self.bucket = f"{self.names.evidence_bucket}-{Aws.ACCOUNT_ID}-{Aws.REGION}"
        self.exports_bucket = f"{self.names.exports_bucket}-{Aws.ACCOUNT_ID}-{Aws.REGION}"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"

    def table(self, name: str) -> str:
        return self.arn("dynamodb", f"table/{name}")

    def queue(self, name: str) -> str:
        return self.arn("sqs", name)

    def function(self, name: str) -> str:
        return self.arn("lambda", f"function:{name}")

    def evidence(self, pattern: str = "") -> str:
        """The bucket, or the objects whose keys `pattern` matches."""
        return f"arn:{Aws.PARTITION}:s3:::{self.bucket}{f'/{pattern}' if pattern else ''}"

    def exports(self, plugin: str) -> str:
        """All that a plugin leaves in the exports bucket."""
        return f"arn:{Aws.PARTITION}:s3:::{self.exports_bucket}/{plugin}/*"

    def secret(self, name_or_arn: str) -> str:
        return (
            name_or_arn
            if name_or_arn.startswith("arn:")
            else self.arn("secretsmanager", f"secret:{name_or_arn}{SUFFIX}")
        )

    def identity(self, name: str) -> str:
        """An address or a domain that SES has verified."""
        return self.arn("ses", f"identity/{name}")

    def upstream_secrets(self) -> str:
        """Every secret that an operator stores for upstreams of this deployment."""
        return self.arn("secretsmanager", f"secret:{self.names.upstream_secrets}*")

    def plugin_queue(self, plugin: str) -> str:
        """The name of a background plugin's queue."""
        return self.names.plugin_queue_pattern.replace(PLUGIN, plugin)

    def plugin_function(self, plugin: str) -> str:
        """The name of the function that a plugin has of its own."""
        return f"{self.deployment}-plugin-{plugin}"

    def workflow(self, plugin: str) -> str:
        """The name of the state machine of a plugin's workflow."""
        return self.plugin_function(plugin)

    def state_machine(self, plugin: str) -> str:
        """Its ARN."""
        return self.arn("states", f"stateMachine:{self.workflow(plugin)}")

    def approvals_function(self) -> str:
        """The name of the function that asks people, and takes their answers."""
        return f"{self.deployment}-approvals"

    def resources(self) -> Resources:
        """What functions are told."""
        return Resources(
            deployment=self.deployment,
            region=Aws.REGION,
            control_table=self.names.control_table,
            ledger_table=self.names.ledger_table,
            storage_table=self.names.storage_table,
            evidence_bucket=self.bucket,
            outbox=self._pair(self.names.outbox),
            plugin_queue_pattern=self._url(self.names.plugin_queue_pattern),
            plugin_queues={},
            evidence_key_secret=self.names.evidence_key_secret,
        )

    def _pair(self, name: str) -> QueuePair:
        dead = dead_queue(name)
        return QueuePair(self._url(name), self.queue(name), self._url(dead), self.queue(dead))

    def _url(self, name: str) -> str:
        return f"https://sqs.{Aws.REGION}.{Aws.URL_SUFFIX}/{Aws.ACCOUNT_ID}/{name}"
