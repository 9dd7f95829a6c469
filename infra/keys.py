"""The keys of what is stored, and what each role needs of them.

Two, because two kinds of people look after them: `data` for tables, evidence and queues, `secrets` for what
would be a provider's bill or a forged digest. Logs and alarms have a third, which goes with what runs.

A role's use of a key is not written by hand: it is read from the role's other statements, so that whoever
gives a role a queue gives it what the queue's messages ask of the key, and no more (docs/adr/0019-keys.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.whereabouts import SUFFIX, Whereabouts

DATA: Final = "data"
SECRETS: Final = "secrets"
OPERATIONS: Final = "operations"
CUSTOMER_MANAGED: Final = "customer_managed"

DECRYPT: Final = frozenset({"kms:Decrypt"})
ENCRYPT: Final = frozenset({"kms:GenerateDataKey"})
NOTHING: Final = frozenset[str]()
# What each service asks of the key in the caller's name (DynamoDB Developer Guide, "DynamoDB encryption at
# rest usage notes"; S3 User Guide, "Using SSE-KMS"; SQS Developer Guide, "Key management"; Secrets Manager
# User Guide, "Secret encryption and decryption"). DynamoDB decrypts the table's key for writers too.
ASKED: Final[Mapping[str, frozenset[str]]] = {
    "dynamodb:BatchGetItem": DECRYPT,
    "dynamodb:DeleteItem": DECRYPT,
    "dynamodb:GetItem": DECRYPT,
    "dynamodb:PutItem": DECRYPT,
    "dynamodb:Query": DECRYPT,
    "dynamodb:UpdateItem": DECRYPT,
    "s3:GetObject": DECRYPT,
    "s3:ListBucket": NOTHING,
    "s3:PutObject": ENCRYPT,
    "secretsmanager:GetSecretValue": DECRYPT,
    "sqs:DeleteMessage": NOTHING,
    "sqs:GetQueueAttributes": NOTHING,
    "sqs:ReceiveMessage": DECRYPT,
    "sqs:SendMessage": ENCRYPT | DECRYPT,
}
KEY_OF: Final = {"dynamodb": DATA, "s3": DATA, "sqs": DATA, "secretsmanager": SECRETS}
# What each sends along as encryption context; S3 that of the bucket, since the bucket has a Bucket Key.
CONTEXT: Final = {
    "dynamodb": "aws:dynamodb:tableName",
    "s3": "aws:s3:arn",
    "sqs": "aws:sqs:arn",
    "secretsmanager": "SecretARN",
}


def alias(deployment: str, key: str) -> str:
    """The name by which roles and people know a key."""
    return f"alias/{deployment}-{key}"


class Keys(Construct):
    """`data` and `secrets`, turned over each year by KMS itself.

    Their policies give nothing but the account's own say: who may use them, IAM decides.
    """

    def __init__(self, scope: Construct, construct_id: str, deployment: str) -> None:
        super().__init__(scope, construct_id)
        self.data = self._made("Data", DATA, deployment, "Tables, evidence and queues")
        self.secrets = self._made("Secrets", SECRETS, deployment, "Secrets")

    def _made(self, construct_id: str, key: str, deployment: str, what: str) -> kms.IKey:
        made = kms.Key(
            self,
            construct_id,
            description=f"{what} of {deployment}",
            alias=alias(deployment, key),
            enable_key_rotation=True,
        )
        # As if it were somebody else's: CDK's constructs would widen the policy of one that they can change.
        return kms.Key.from_key_arn(self, f"{construct_id}Unchanged", made.key_arn)


@dataclass(frozen=True, slots=True)
class KeyUse:
    """`managed`: whether the stack's keys encrypt. `own`: ARN of a secret → ARN of its operator's key."""

    where: Whereabouts
    managed: bool
    own: Mapping[str, str]

    def statements(self, given: Sequence[iam.PolicyStatement]) -> list[iam.PolicyStatement]:
        """What a role that is given these needs of keys.

        Raises KeyError for an action of these services of which nobody has looked up what it asks: add it
        to `ASKED`.
        """
        ours = self._ours(given) if self.managed else ()
        return [*ours, *self._operators(_secrets(given))]

    def _ours(self, given: Sequence[iam.PolicyStatement]) -> Iterator[iam.PolicyStatement]:
        for service in KEY_OF:
            for actions, things in _grouped(service, given).items():
                known = sorted(self._together(thing for thing in things if self._is_ours(service, thing)))
                if known:
                    yield self._use(service, actions, known)

    def _use(self, service: str, actions: Iterable[str], context: Sequence[str]) -> iam.PolicyStatement:
        """Named by the alias: a key's id is only known when it is made (docs/adr/0019-keys.md)."""
        conditions = _through(service, context)
        named = {"kms:ResourceAliases": alias(self.where.deployment, KEY_OF[service])}
        return iam.PolicyStatement(
            actions=sorted(actions),
            resources=[self.where.arn("kms", "key/*")],
            conditions={**conditions, "ForAnyValue:StringEquals": named},
        )

    def _is_ours(self, service: str, thing: str) -> bool:
        """Another bucket, or a secret that an operator names by its ARN, is encrypted as they chose."""
        if service == "s3":
            return thing in {self.where.evidence(), self.where.exports("").partition("/")[0]}
        if service == "secretsmanager":
            return thing not in self.own and thing.endswith((SUFFIX, "*"))
        return True

    def _together(self, things: Iterable[str]) -> set[str]:
        """Of several plugins' queues the prefix of their names.

        The recorder's policy has no room for all of them twice. Each is named where sending is allowed.
        """
        prefix, every = self.where.queue(self.where.plugin_queue("")), set(things)
        plugins = {thing for thing in every if thing.startswith(prefix)}
        return every - plugins | {f"{prefix}*"} if len(plugins) > 1 else every

    def _operators(self, secrets: Sequence[str]) -> Iterator[iam.PolicyStatement]:
        for key in sorted(set(self.own.values())):
            read = sorted(
                secret for secret, own in self.own.items() if own == key and _covered(secret, secrets)
            )
            if read:
                conditions = _through("secretsmanager", read)
                yield iam.PolicyStatement(actions=sorted(DECRYPT), resources=[key], conditions=conditions)


def _grouped(service: str, given: Sequence[iam.PolicyStatement]) -> dict[frozenset[str], set[str]]:
    """Actions on the key → the contexts in which they are asked for."""
    asked: dict[str, frozenset[str]] = {}
    for statement in given:
        actions = [action for action in statement.actions if action.partition(":")[0] == service]
        if actions and statement.effect == iam.Effect.ALLOW:
            needed = NOTHING.union(*(ASKED[action] for action in actions))
            for resource in statement.resources:
                thing = _context(service, resource)
                asked[thing] = asked.get(thing, NOTHING) | needed
    grouped: dict[frozenset[str], set[str]] = {}
    for thing, needed in asked.items():
        if needed:
            grouped.setdefault(needed, set()).add(thing)
    return grouped


def _context(service: str, resource: str) -> str:
    """What the service says of a resource in the encryption context."""
    if service == "dynamodb":
        return resource.partition(":table/")[2].partition("/")[0]
    return resource.partition("/")[0] if service == "s3" else resource


def _through(service: str, context: Sequence[str]) -> dict[str, dict[str, object]]:
    """Only by this service, and only of these things."""
    exact = not any("*" in value or "?" in value for value in context)
    there = {f"kms:EncryptionContext:{CONTEXT[service]}": list(context)}
    via = {"kms:ViaService": f"{service}.{Aws.REGION}.{Aws.URL_SUFFIX}"}
    return {"StringEquals": {**via, **there}} if exact else {"StringEquals": {**via}, "StringLike": {**there}}


def _secrets(given: Sequence[iam.PolicyStatement]) -> list[str]:
    return [
        resource
        for statement in given
        if "secretsmanager:GetSecretValue" in statement.actions
        for resource in statement.resources
    ]


def _covered(secret: str, patterns: Sequence[str]) -> bool:
    """Whether a role that may read these may read `secret`; patterns of ours end in `*`, or are told."""
    return any(
        secret == pattern or (pattern.endswith("*") and secret.startswith(pattern[:-1]))
        for pattern in patterns
    )
