"""Plugins' storage in DynamoDB: one partition a plugin, one item a key.

DynamoDB removes what has expired within days, not at once: whoever reads or expects looks at the time too.
It counts whole seconds, so a value may live up to one longer, and never shorter. A
write whose answer was lost is sent again by botocore and then finds itself there: that is success.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from penstock.adapters.clients import Clients
from penstock.adapters.failures import error_code, mapped, old_item
from penstock.adapters.keys import EXPIRES
from penstock.sdk.storage import ABSENT, Stored, checked_key, checked_ttl, encoded_value

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]

_NOTHING: Final = f"(attribute_not_exists(pk) OR {EXPIRES} <= :now)"
_THAT: Final = f"(version = :expected AND (attribute_not_exists({EXPIRES}) OR {EXPIRES} > :now))"


class DynamoStorage:
    """One plugin's space: `penstock.sdk.storage.Storage`. `now_s`: seconds since the epoch."""

    def __init__(
        self,
        clients: Clients,
        table: str,
        plugin: str,
        *,
        now_s: Callable[[], float] = time.time,
        new_version: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._clients = clients
        self._table = table
        self._plugin = plugin
        self._now_s = now_s
        self._new_version = new_version

    def get(self, key: str) -> Stored | None:
        at = self._at(key)
        with mapped("read a plugin's storage"):
            answer = self._clients.dynamodb.get_item(TableName=self._table, Key=at, ConsistentRead=True)
        item = answer.get("Item")
        if item is None or self._is_over(item):
            return None
        return Stored(json.loads(item["value"]["S"]), item["version"]["S"])

    def put(
        self, key: str, value: Any, *, ttl_s: int | None = None, expected: str | None = None
    ) -> str | None:
        version = self._new_version()
        item: Item = {**self._at(key), "value": {"S": encoded_value(value)}, "version": {"S": version}}
        if checked_ttl(ttl_s) is not None:
            item[EXPIRES] = {"N": str(ceil(self._now_s()) + (ttl_s or 0))}
        with mapped("write a plugin's storage"):
            there = self._unless(
                expected,
                _NOTHING if expected == ABSENT else _THAT,
                lambda more: self._clients.dynamodb.put_item(TableName=self._table, Item=item, **more),
            )
        is_ours = there is None or there.get("version") == item["version"]
        return version if is_ours else None

    def delete(self, key: str, *, expected: str | None = None) -> bool:
        at = self._at(key)
        with mapped("delete from a plugin's storage"):
            there = self._unless(
                expected,
                _NOTHING if expected == ABSENT else f"({_NOTHING} OR {_THAT})",
                lambda more: self._clients.dynamodb.delete_item(TableName=self._table, Key=at, **more),
            )
        return there is None

    def _unless(
        self, expected: str | None, condition: str, write: Callable[[dict[str, Any]], object]
    ) -> Mapping[str, Any] | None:
        """Write where the condition holds: None when it was written, else what is there."""
        from botocore.exceptions import ClientError

        more: dict[str, Any] = {}
        if expected is not None:
            values: dict[str, Any] = {":now": {"N": str(int(self._now_s()))}}
            if ":expected" in condition:
                values[":expected"] = {"S": expected}
            more = {
                "ConditionExpression": condition,
                "ExpressionAttributeValues": values,
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        try:
            write(more)
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            return old_item(error)
        return None

    def _at(self, key: str) -> Item:
        return {"pk": {"S": self._plugin}, "sk": {"S": checked_key(key)}}

    def _is_over(self, item: Mapping[str, Any]) -> bool:
        return EXPIRES in item and int(item[EXPIRES]["N"]) <= self._now_s()
