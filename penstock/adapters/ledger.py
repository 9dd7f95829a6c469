"""The ledger: which requests are open, and which deliveries have been claimed.

open_intent ──> open ──settle──> settled (kept until `expires_at`, so that a late message is recognised)
                 └─ lease: one sweeper at a time looks after it
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from penstock.adapters.clients import Clients
from penstock.adapters.failures import error_code, mapped, old_item
from penstock.adapters.keys import (
    EXPIRES,
    OPEN_INDEX,
    SHARDS,
    delivery_key,
    request_key,
    shard_name,
    shard_of,
)
from penstock.errors import StorageError
from penstock.ids import uuid7

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

Settler = Literal["recorder", "sweeper"]
Settlement = Literal["settled", "already_settled", "unknown"]
Claim = Literal["claimed", "under_way", "unfinished", "finished"]

# SQS keeps a message for 14 days at most: one may come back as late as that and must find what was done.
KEPT_S = 15 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Intent:
    """A request that was begun. `facts` is what its record can say when nothing more is ever heard of it."""

    request_id: str
    opened_at_ms: int
    facts: Mapping[str, Any]


class Ledger(Protocol):
    """Raises StorageError when the store does not answer. Times are Unix milliseconds."""

    def open_intent(self, request_id: str, opened_at_ms: int, facts: Mapping[str, Any]) -> None:
        """Returns when the intent is durable; a repeated call with equal facts is success."""

    def settle(self, request_id: str, by: Settler, now_ms: int) -> Settlement:
        """Close the intent: exactly one caller is told `settled`. `unknown`: there never was an intent."""

    def lease(self, request_id: str, now_ms: int, until_ms: int) -> bool:
        """Take an open intent for oneself until `until_ms`; False when it is settled, or another has it."""

    def open_before(self, opened_before_ms: int) -> Iterator[Intent]:
        """Open intents that began before, oldest first within each shard. May lag behind by a moment."""

    def claim_delivery(self, request_id: str, plugin: str, now_ms: int, until_ms: int) -> Claim:
        """`claimed` for exactly one caller, who will be at it until `until_ms` at the latest.

        For others `under_way` until then and `unfinished` after it; `finished` once that one said so.
        """

    def finish_delivery(self, request_id: str, plugin: str, now_ms: int) -> None:
        """Say that a claimed delivery has its result in the evidence."""


class DynamoLedger:
    """The ledger in DynamoDB."""

    def __init__(self, clients: Clients, table: str, new_id: Callable[[], str] = uuid7) -> None:
        self._clients = clients
        self._table = table
        self._new_id = new_id

    def open_intent(self, request_id: str, opened_at_ms: int, facts: Mapping[str, Any]) -> None:
        item: dict[str, AttributeValueTypeDef] = {
            "pk": {"S": request_key(request_id)},
            "state": {"S": "open"},
            "opened_at_ms": {"N": str(opened_at_ms)},
            "facts": {"S": _encoded(facts)},
            "open_shard": {"S": shard_of(request_id)},
        }
        before = self._put_new("store the intent", item)
        # The first attempt may have been stored and its answer lost, so that our own retry finds it.
        if before is not None and any(
            before.get(name) != item[name] for name in ("opened_at_ms", "facts", "open_shard")
        ):
            raise StorageError("store the intent")

    def settle(self, request_id: str, by: Settler, now_ms: int) -> Settlement:
        before = self._update(
            "settle the intent",
            request_key(request_id),
            "SET #state = :settled, settled_by = :by, expires_at = :expires "
            "REMOVE open_shard, lease_until_ms",
            "#state = :open",
            {
                ":settled": {"S": "settled"},
                ":open": {"S": "open"},
                ":by": {"S": by},
                ":expires": {"N": str(_expiry(now_ms))},
            },
        )
        if before is None:
            return "settled"
        return "already_settled" if before else "unknown"

    def lease(self, request_id: str, now_ms: int, until_ms: int) -> bool:
        before = self._update(
            "lease the intent",
            request_key(request_id),
            "SET lease_until_ms = :until",
            "#state = :open AND (attribute_not_exists(lease_until_ms) OR lease_until_ms <= :now)",
            {":until": {"N": str(until_ms)}, ":now": {"N": str(now_ms)}, ":open": {"S": "open"}},
        )
        return before is None

    def open_before(self, opened_before_ms: int) -> Iterator[Intent]:
        for number in range(SHARDS):
            with mapped("look for open intents"):
                pages = self._clients.dynamodb.get_paginator("query").paginate(
                    TableName=self._table,
                    IndexName=OPEN_INDEX,
                    KeyConditionExpression="open_shard = :shard AND opened_at_ms < :before",
                    ExpressionAttributeValues={
                        ":shard": {"S": shard_name(number)},
                        ":before": {"N": str(opened_before_ms)},
                    },
                )
                found = [_intent(item) for page in pages for item in page["Items"]]
            yield from found

    def claim_delivery(self, request_id: str, plugin: str, now_ms: int, until_ms: int) -> Claim:
        item: dict[str, AttributeValueTypeDef] = {
            "pk": {"S": delivery_key(request_id, plugin)},
            "state": {"S": "claimed"},
            "claimed_at_ms": {"N": str(now_ms)},
            "claimed_until_ms": {"N": str(until_ms)},
            "claim": {"S": self._new_id()},
            EXPIRES: {"N": str(_expiry(now_ms))},
        }
        before = self._put_new("claim the delivery", item)
        # As above: our own retry may find what our first attempt stored. Nobody has called the plugin then.
        if before is None or before.get("claim") == item["claim"]:
            return "claimed"
        if before["state"]["S"] == "finished":
            return "finished"
        return "under_way" if now_ms < int(before["claimed_until_ms"]["N"]) else "unfinished"

    def finish_delivery(self, request_id: str, plugin: str, now_ms: int) -> None:
        self._update(
            "finish the delivery",
            delivery_key(request_id, plugin),
            "SET #state = :finished, expires_at = :expires",
            "attribute_exists(pk) AND #state <> :finished",
            {":finished": {"S": "finished"}, ":expires": {"N": str(_expiry(now_ms))}},
        )

    def _put_new(self, operation: str, item: dict[str, AttributeValueTypeDef]) -> Mapping[str, Any] | None:
        """Store an item that must be new: None when it was, else the one that is there."""
        from botocore.exceptions import ClientError

        with mapped(operation):
            try:
                self._clients.dynamodb.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(pk)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                return old_item(error)
        return None

    def _update(
        self, operation: str, key: str, change: str, condition: str, values: dict[str, AttributeValueTypeDef]
    ) -> Mapping[str, Any] | None:
        """Change an item under a condition: None when it was changed, else what is there ({} for nothing)."""
        from botocore.exceptions import ClientError

        with mapped(operation):
            try:
                self._clients.dynamodb.update_item(
                    TableName=self._table,
                    Key={"pk": {"S": key}},
                    UpdateExpression=change,
                    ConditionExpression=condition,
                    ExpressionAttributeNames={"#state": "state"},
                    ExpressionAttributeValues=values,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                return old_item(error)
        return None


@dataclass(frozen=True, slots=True)
class _Row:
    opened_at_ms: int
    facts: str
    open: bool = True
    lease_until_ms: int = 0


class MemoryLedger:
    """The same in memory, for tests."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self._deliveries: dict[tuple[str, str], int | None] = {}
        """Until when each is claimed; None when it is finished."""

    def open_intent(self, request_id: str, opened_at_ms: int, facts: Mapping[str, Any]) -> None:
        row = _Row(opened_at_ms, _encoded(facts))
        if self._rows.setdefault(request_id, row) != row:
            raise StorageError("store the intent")

    def settle(self, request_id: str, by: Settler, now_ms: int) -> Settlement:  # noqa: ARG002 - kept by DynamoDB only
        row = self._rows.get(request_id)
        if row is None:
            return "unknown"
        self._rows[request_id] = replace(row, open=False)
        return "settled" if row.open else "already_settled"

    def lease(self, request_id: str, now_ms: int, until_ms: int) -> bool:
        row = self._rows.get(request_id)
        if row is None or not row.open or row.lease_until_ms > now_ms:
            return False
        self._rows[request_id] = replace(row, lease_until_ms=until_ms)
        return True

    def open_before(self, opened_before_ms: int) -> Iterator[Intent]:
        old = [
            (key, row) for key, row in self._rows.items() if row.open and row.opened_at_ms < opened_before_ms
        ]
        for key, row in sorted(old, key=lambda pair: (shard_of(pair[0]), pair[1].opened_at_ms)):
            yield Intent(key, row.opened_at_ms, json.loads(row.facts))

    def claim_delivery(self, request_id: str, plugin: str, now_ms: int, until_ms: int) -> Claim:
        if (request_id, plugin) not in self._deliveries:
            self._deliveries[request_id, plugin] = until_ms
            return "claimed"
        claimed_until_ms = self._deliveries[request_id, plugin]
        if claimed_until_ms is None:
            return "finished"
        return "under_way" if now_ms < claimed_until_ms else "unfinished"

    def finish_delivery(self, request_id: str, plugin: str, now_ms: int) -> None:  # noqa: ARG002 - nothing expires
        if (request_id, plugin) in self._deliveries:
            self._deliveries[request_id, plugin] = None


def _encoded(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _expiry(now_ms: int) -> int:
    return now_ms // 1000 + KEPT_S


def _intent(item: Mapping[str, Any]) -> Intent:
    request_id = item["pk"]["S"].removeprefix(request_key(""))
    return Intent(request_id, int(item["opened_at_ms"]["N"]), json.loads(item["facts"]["S"]))
