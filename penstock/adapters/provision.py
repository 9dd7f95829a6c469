"""Makes in the local gateway's AWS what the stacks make: tables, bucket, queues, secrets. May run again."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from penstock.adapters.clients import Clients
from penstock.adapters.failures import error_code, mapped
from penstock.adapters.keys import CONTROL, LEDGER, STORAGE, Table
from penstock.adapters.resources import (
    DEAD_RETENTION_S,
    DELIVERY_KEY_ID,
    EVIDENCE_KEY_ID,
    MAX_RECEIVES,
    VISIBILITY_S,
    Names,
    QueuePair,
    Resources,
    dead_queue,
)
from penstock.adapters.secrets import KEY_BYTES, encode_digest_key
from penstock.configuration.settings import PLUGIN
from penstock.evidence.digests import DigestKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import GlobalSecondaryIndexTypeDef, KeySchemaElementTypeDef


def provision(
    clients: Clients,
    deployment: str,
    *,
    plugins: Sequence[str] = (),
    secrets: Mapping[str, str] | None = None,
    visibility_s: int = VISIBILITY_S,
) -> Resources:
    """Make what is missing and leave what is there.

    `plugins`: the background plugins, which have a queue each. `secrets`: name → value; an existing one is
    given the value again. The keys of digests are made once, at random, and never replaced.
    """
    names = Names.of(deployment)
    for table in (CONTROL, LEDGER, STORAGE):
        create_table(clients, table, f"{deployment}-{table.name}")
    create_bucket(clients, names.evidence_bucket)
    create_bucket(clients, names.exports_bucket, locked=False)
    _create_secret(clients, names.evidence_key_secret, _new_key(EVIDENCE_KEY_ID))
    _create_secret(clients, names.delivery_key_secret, _new_key(DELIVERY_KEY_ID))
    for name, value in (secrets or {}).items():
        store_secret(clients, name, value)
    outbox = _create_queues(clients, names.outbox, visibility_s)
    queues = {
        plugin: _create_queues(clients, names.plugin_queue_pattern.replace(PLUGIN, plugin), visibility_s)
        for plugin in plugins
    }
    return Resources(
        deployment=deployment,
        region=clients.dynamodb.meta.region_name,
        control_table=names.control_table,
        ledger_table=names.ledger_table,
        storage_table=names.storage_table,
        evidence_bucket=names.evidence_bucket,
        outbox=outbox,
        plugin_queue_pattern=outbox.url.removesuffix(names.outbox) + names.plugin_queue_pattern,
        plugin_queues=queues,
        evidence_key_secret=names.evidence_key_secret,
        exports_bucket=names.exports_bucket,
    )


def create_table(clients: Clients, table: Table, name: str) -> None:
    """Make `table` as `name` unless it is there, and wait until it can be used."""
    from botocore.exceptions import ClientError

    client = clients.dynamodb
    with mapped(f"create the {table.name} table"):
        try:
            client.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=_key_schema(table.partition_key, table.sort_key),
                AttributeDefinitions=[
                    {"AttributeName": attribute, "AttributeType": "N" if kind == "N" else "S"}
                    for attribute, kind in table.attributes
                ],
                **_indexes(table),
            )
        except ClientError as error:
            if error_code(error) != "ResourceInUseException":
                raise
        client.get_waiter("table_exists").wait(TableName=name)
        _expire(clients, table, name)


def store_secret(clients: Clients, name: str, value: str) -> None:
    """Create the secret, or give it a new value."""
    if not _create_secret(clients, name, value):
        with mapped("store a secret"):
            clients.secretsmanager.put_secret_value(SecretId=name, SecretString=value)


def _key_schema(partition_key: str, sort_key: str | None) -> list[KeySchemaElementTypeDef]:
    schema: list[KeySchemaElementTypeDef] = [{"AttributeName": partition_key, "KeyType": "HASH"}]
    if sort_key:
        schema.append({"AttributeName": sort_key, "KeyType": "RANGE"})
    return schema


def _indexes(table: Table) -> dict[str, Any]:
    """The argument for the table's indexes; none when it has none, for which DynamoDB takes no empty list."""
    made: list[GlobalSecondaryIndexTypeDef] = [
        {
            "IndexName": index.name,
            "KeySchema": _key_schema(index.partition_key, index.sort_key),
            "Projection": {"ProjectionType": "ALL"},
        }
        for index in table.indexes
    ]
    return {"GlobalSecondaryIndexes": made} if made else {}


def _expire(clients: Clients, table: Table, name: str) -> None:
    if table.ttl_attribute is None:
        return
    known = clients.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if known.get("TimeToLiveStatus") not in {"ENABLED", "ENABLING"}:
        clients.dynamodb.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": table.ttl_attribute},
        )


def create_bucket(clients: Clients, name: str, *, locked: bool = True) -> None:
    """Make the bucket, with Object Lock, which brings versions; how long objects are held, the stack says."""
    from botocore.exceptions import ClientError

    region = clients.s3.meta.region_name
    where: dict[str, Any] = {"CreateBucketConfiguration": {"LocationConstraint": region}}
    with mapped("create a bucket"):
        try:
            # us-east-1 is the one region that must not be named (S3 API reference, CreateBucket).
            clients.s3.create_bucket(
                Bucket=name, ObjectLockEnabledForBucket=locked, **({} if region == "us-east-1" else where)
            )
        except ClientError as error:
            if error_code(error) != "BucketAlreadyOwnedByYou":
                raise


def _create_queues(clients: Clients, name: str, visibility_s: int) -> QueuePair:
    dead_url, dead_arn = _create_queue(
        clients, dead_queue(name), {"MessageRetentionPeriod": str(DEAD_RETENTION_S)}
    )
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": MAX_RECEIVES})
    url, arn = _create_queue(
        clients, name, {"VisibilityTimeout": str(visibility_s), "RedrivePolicy": redrive}
    )
    return QueuePair(url, arn, dead_url, dead_arn)


def _create_queue(clients: Clients, name: str, attributes: Mapping[str, str]) -> tuple[str, str]:
    with mapped("create a queue"):
        url = clients.sqs.create_queue(QueueName=name)["QueueUrl"]
        clients.sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)  # type: ignore[arg-type]  # the stub wants its literals
        known = clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, known["Attributes"]["QueueArn"]


def verify_sender(clients: Clients, address: str) -> None:
    """Have the local gateway's SES take messages from `address`; it keeps them, and nothing leaves."""
    with mapped("verify a sender of e-mail"):
        clients.sesv2.create_email_identity(EmailIdentity=address)


def _create_secret(clients: Clients, name: str, value: str) -> bool:
    """Whether it was made; False when there is one already."""
    from botocore.exceptions import ClientError

    with mapped("create a secret"):
        try:
            clients.secretsmanager.create_secret(Name=name, SecretString=value)
        except ClientError as error:
            if error_code(error) != "ResourceExistsException":
                raise
            return False
    return True


def _new_key(key_id: str) -> str:
    return encode_digest_key(DigestKey(key_id, os.urandom(KEY_BYTES)))
