"""Plugins' storage in DynamoDB: one partition a plugin, one item a key.

DynamoDB removes what has expired within days, not at once: whoever reads or expects looks at the time too.
It counts whole seconds, so a value may live up to one longer, and never shorter.

A write on a condition is sent once. Where its answer is lost it is looked for, by its version: sent again it
could find what others have made of it, and who counts would count twice.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from penstock.adapters.clients import Clients
from penstock.adapters.failures import error_code, is_unknown, mapped
from penstock.adapters.keys import EXPIRES
from penstock.errors import StorageError, WriteUnknownError
from penstock.sdk.storage import ABSENT, Stored, checked_key, checked_ttl, encoded_value

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]

WRITE: Final = "write a plugin's storage"
DELETE: Final = "delete from a plugin's storage"
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
        condition = _NOTHING if expected == ABSENT else _THAT
        with mapped(WRITE):
            if expected is None:
                self._clients.dynamodb.put_item(TableName=self._table, Item=item)
                return version
            asked = self._asked(condition, expected)
            done = self._once(
                WRITE,
                lambda client: client.put_item(TableName=self._table, Item=item, **asked),
                lambda: self._version(key) == version,
            )
        return version if done else None

    def delete(self, key: str, *, expected: str | None = None) -> bool:
        at = self._at(key)
        condition = _NOTHING if expected == ABSENT else f"({_NOTHING} OR {_THAT})"
        with mapped(DELETE):
            if expected is None:
                self._clients.dynamodb.delete_item(TableName=self._table, Key=at)
                return True
            asked = self._asked(condition, expected)
            return self._once(
                DELETE,
                lambda client: client.delete_item(TableName=self._table, Key=at, **asked),
                lambda: self._version(key) == ABSENT,
            )

    def _once(
        self, operation: str, write: Callable[[DynamoDBClient], object], is_done: Callable[[], bool]
    ) -> bool:
        """Write where the condition holds: whether it was written. Raises WriteUnknownError."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            write(self._clients.dynamodb_once)
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, ClientError) and error_code(error) == "ConditionalCheckFailedException":
                return False
            if not is_unknown(error):
                raise
            if not self._is_found(is_done):
                raise WriteUnknownError(operation) from error
        return True

    @staticmethod
    def _is_found(is_done: Callable[[], bool]) -> bool:
        """What has not arrived may arrive yet: only what is there is certain."""
        try:
            return is_done()
        except StorageError:
            return False

    def _version(self, key: str) -> str:
        found = self.get(key)
        return found.version if found else ABSENT

    def _asked(self, condition: str, expected: str) -> dict[str, Any]:
        values: dict[str, Any] = {":now": {"N": str(int(self._now_s()))}}
        if ":expected" in condition:
            values[":expected"] = {"S": expected}
        return {"ConditionExpression": condition, "ExpressionAttributeValues": values}

    def _at(self, key: str) -> Item:
        return {"pk": {"S": self._plugin}, "sk": {"S": checked_key(key)}}

    def _is_over(self, item: Mapping[str, Any]) -> bool:
        return EXPIRES in item and int(item[EXPIRES]["N"]) <= self._now_s()
