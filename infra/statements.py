"""What a role may be given: one function for each thing that a function of ours does, and nothing wider.

A role's own logs are `functions.py`'s. Key prefixes are those of `penstock.adapters.keys`, names of objects
those of `penstock.evidence.layout`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import aws_iam as iam

from infra.whereabouts import Whereabouts
from penstock.adapters.keys import SEAL_NOTE

HOUR = "org=*/dt=*/hour=*"  # no organisation's name can hold `/` or `=`: they are percent-encoded
TERMINAL = f"{HOUR}/*.terminal.json.gz"
RECORDS = (TERMINAL, f"{HOUR}/*.amendment.*.json.gz")
# A request's id, sign by sign: by `*` a plugin could write `<id>.amendment.delivery.<plugin>.….json.gz` too.
REQUEST = "????????-????-????-????-????????????"
DELIVERIES = f"{HOUR}/{REQUEST}.delivery.{{plugin}}.*.json.gz"
WHOLE_HOUR, SEALS = f"{HOUR}/*", "seal/*"


class Statements:
    """Statements about one deployment's resources."""

    def __init__(self, where: Whereabouts) -> None:
        self._where = where
        self._ledger = where.table(where.names.ledger_table)

    def read_control(self) -> iam.PolicyStatement:
        return _allow(["dynamodb:BatchGetItem"], [self._where.table(self._where.names.control_table)])

    def open_intents(self) -> iam.PolicyStatement:
        return _allow(["dynamodb:PutItem"], [self._ledger], _leading("request#*"))

    def settle_intents(self) -> iam.PolicyStatement:
        return _allow(["dynamodb:UpdateItem"], [self._ledger], _leading("request#*"))

    def find_open_intents(self) -> iam.PolicyStatement:
        return _allow(["dynamodb:Query"], [f"{self._ledger}/index/open"], _leading("open#*"))

    def claim_deliveries(self, plugin: str) -> iam.PolicyStatement:
        keys = _leading(f"delivery#*#{plugin}")
        return _allow(["dynamodb:PutItem", "dynamodb:UpdateItem"], [self._ledger], keys)

    def store_records(self, patterns: Sequence[str] = RECORDS) -> iam.PolicyStatement:
        """Records of requests; one is read back only to be compared with what should have been stored."""
        objects = [self._where.evidence(pattern) for pattern in patterns]
        return _allow(["s3:GetObject", "s3:PutObject"], objects)

    def list_evidence(self) -> iam.PolicyStatement:
        """Without it S3 calls an object that is not there forbidden (API reference, GetObject)."""
        return _allow(["s3:ListBucket"], [self._where.evidence()])

    def read_evidence(self) -> iam.PolicyStatement:
        """Every object of every hour, and what was sealed of them."""
        return _allow(["s3:GetObject"], [self._where.evidence(pattern) for pattern in (WHOLE_HOUR, SEALS)])

    def store_seals(self) -> iam.PolicyStatement:
        return _allow(["s3:PutObject"], [self._where.evidence(SEALS)])

    def note_seals(self) -> iam.PolicyStatement:
        return _allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], [self._ledger], _leading(SEAL_NOTE))

    def store_deliveries(self, plugin: str) -> iam.PolicyStatement:
        objects = self._where.evidence(DELIVERIES.format(plugin=plugin))
        return _allow(["s3:GetObject", "s3:PutObject"], [objects])

    def find_deliveries(self, plugin: str) -> iam.PolicyStatement:
        prefix = {"StringLike": {"s3:prefix": f"{HOUR}/*.delivery.{plugin}.*"}}
        return _allow(["s3:ListBucket"], [self._where.evidence()], prefix)

    def send(self, queues: Sequence[str]) -> iam.PolicyStatement:
        return _allow(["sqs:SendMessage"], [self._where.queue(queue) for queue in queues])

    def consume(self, queue: str) -> iam.PolicyStatement:
        """What Lambda needs of a role to poll (Lambda Developer Guide, "Using Lambda with Amazon SQS")."""
        actions = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        return _allow(actions, [self._where.queue(queue)])

    def read_secrets(self, names: Sequence[str]) -> iam.PolicyStatement:
        arns = [self._where.secret(name) for name in sorted(set(names))]
        return _allow(["secretsmanager:GetSecretValue"], arns)

    def read_upstream_secrets(self) -> iam.PolicyStatement:
        """Whatever operators store there for providers and MCP servers: `penstock apply` is enough then."""
        return _allow(["secretsmanager:GetSecretValue"], [self._where.upstream_secrets()])

    def use_storage(self, plugin: str) -> iam.PolicyStatement:
        """The one partition with the plugin's name. No Query and no Scan: a plugin knows its keys."""
        actions = [f"dynamodb:{action}" for action in ("DeleteItem", "GetItem", "PutItem")]
        return self.stored(actions, [plugin])

    def send_email(self, sender: str, recipients: Sequence[str]) -> iam.PolicyStatement:
        """From one address to these. SES asks for the identity that it has verified: address or domain.

        Raw messages, which may carry attachments and headers, are another action (`ses:SendRawEmail`).
        """
        identities = [self._where.identity(name) for name in (sender, sender.rpartition("@")[2])]
        only = {
            "StringEquals": {"ses:FromAddress": sender},
            "ForAllValues:StringLike": {"ses:Recipients": list(recipients)},
        }
        return _allow(["ses:SendEmail"], identities, {**only, **_there("ses:Recipients")})

    def leave_exports(self, plugin: str) -> iam.PolicyStatement:
        """Below its own name; that nothing there is replaced, the bucket's policy says."""
        return _allow(["s3:PutObject"], [self._where.exports(plugin)])

    def start_workflow(self, plugin: str) -> iam.PolicyStatement:
        """Its own, and no more than start it: what becomes of a run, nobody here needs to ask."""
        return _allow(["states:StartExecution"], [self._where.state_machine(plugin)])

    def stored(self, actions: Sequence[str], partitions: Sequence[str]) -> iam.PolicyStatement:
        """These actions on these partitions of the storage table."""
        only = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": list(partitions)}}
        table = self._where.table(self._where.names.storage_table)
        return _allow(actions, [table], {**only, **_there("dynamodb:LeadingKeys")})

    def invoke(self, functions: Sequence[str]) -> iam.PolicyStatement:
        return _allow(["lambda:InvokeFunction"], [self._where.function(name) for name in functions])


def _allow(
    actions: Sequence[str], resources: Sequence[str], conditions: Mapping[str, object] | None = None
) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions)


def _leading(pattern: str) -> dict[str, object]:
    """Items by their partition key; none of the actions it is used with can leave the key out."""
    return {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [pattern]}}


def _there(key: str) -> dict[str, object]:
    """`ForAllValues` holds for no values too: the request must bring some (IAM User Guide, set operators)."""
    return {"Null": {key: "false"}}
