"""The three tables, made of `penstock.adapters.keys`, which alone says what keys they have.

There is no content in them, and of API keys only hashes. Without a key of the stack's they are encrypted
under the one that DynamoDB owns, as it does unless told otherwise.
"""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from penstock.adapters.keys import CONTROL, LEDGER, STORAGE, TABLES, Table


class Tables(Construct):
    """On demand, restorable to any second of the last 35 days, not to be deleted by mistake."""

    def __init__(self, scope: Construct, construct_id: str, *, deployment: str, key: kms.IKey | None) -> None:
        super().__init__(scope, construct_id)
        self._key = key
        made = {table: self._made(table, f"{deployment}-{table.name}") for table in TABLES}
        self.control = made[CONTROL]
        self.ledger = made[LEDGER]
        self.storage = made[STORAGE]

    def _made(self, table: Table, name: str) -> dynamodb.Table:
        made = dynamodb.Table(
            self,
            table.name.capitalize(),
            table_name=name,
            partition_key=_attribute(table, table.partition_key),
            sort_key=_attribute(table, table.sort_key) if table.sort_key else None,
            time_to_live_attribute=table.ttl_attribute,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            deletion_protection=True,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if self._key else None,
            encryption_key=self._key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
        )
        for index in table.indexes:
            made.add_global_secondary_index(
                index_name=index.name,
                partition_key=_attribute(table, index.partition_key),
                sort_key=_attribute(table, index.sort_key),
            )
        return made


def _attribute(table: Table, name: str) -> dynamodb.Attribute:
    kind = dict(table.attributes)[name]
    number, string = dynamodb.AttributeType.NUMBER, dynamodb.AttributeType.STRING
    return dynamodb.Attribute(name=name, type=number if kind == "N" else string)
