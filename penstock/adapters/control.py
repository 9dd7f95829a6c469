"""The control table: JSON documents by key. The gateway reads, the command line writes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from penstock.adapters.clients import Clients
from penstock.adapters.failures import error_code, mapped
from penstock.errors import StorageError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

Document = dict[str, Any]

# TransactWriteItems takes 100 items (DynamoDB API reference).
MAX_CHANGES = 100
ABSENT = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One document and its revision: 1 when created, one more with every change."""

    document: Document
    revision: int


@dataclass(frozen=True, slots=True)
class Change:
    """One write; `document` None deletes.

    `expects`: the revision that it replaces, `ABSENT` for none, None for any.
    """

    key: str
    document: Document | None
    expects: int | None = None


class ControlStore(Protocol):
    """Raises StorageError when the store does not answer, ConfigurationError when it does not exist."""

    def get(self, keys: Sequence[str], *, fresh: bool = False) -> Mapping[str, Entry]:
        """Those of `keys` (at most 100) that exist, in one round trip. `fresh` sees every earlier write."""

    def write(self, changes: Sequence[Change]) -> bool:
        """All of `changes` or none; False when an expectation does not hold.

        Raises ValueError for more than 100 of them, and for two of one key: a transaction takes neither.
        """

    def list(self, prefix: str) -> Iterator[tuple[str, Entry]]:
        """Every entry whose key begins with `prefix`, by key. Reads the whole table: for operators."""


class DynamoControlStore:
    """The control table in DynamoDB."""

    def __init__(self, clients: Clients, table: str) -> None:
        self._clients = clients
        self._table = table

    def get(self, keys: Sequence[str], *, fresh: bool = False) -> Mapping[str, Entry]:
        wanted: Sequence[Mapping[str, Any]] = [{"pk": {"S": key}} for key in dict.fromkeys(keys)]
        found: dict[str, Entry] = {}
        with mapped("read configuration"):
            for _ in range(2):
                answer = self._clients.dynamodb.batch_get_item(
                    RequestItems={self._table: {"Keys": wanted, "ConsistentRead": fresh}}
                )
                found.update(_entry(item) for item in answer["Responses"].get(self._table, []))
                wanted = _unprocessed(answer, self._table)
                if not wanted:
                    return found
        raise StorageError("read configuration")  # throttled twice: what is missing is not known to be absent

    def write(self, changes: Sequence[Change]) -> bool:
        from botocore.exceptions import ClientError

        _check(changes)
        items = [self._item(change) for change in changes]
        with mapped("write configuration"):
            try:
                self._clients.dynamodb.transact_write_items(TransactItems=items)
            except ClientError as error:
                if _is_unmet(error):
                    return False
                raise
        return True

    def list(self, prefix: str) -> Iterator[tuple[str, Entry]]:
        with mapped("list configuration"):
            pages = self._clients.dynamodb.get_paginator("scan").paginate(
                TableName=self._table,
                FilterExpression="begins_with(pk, :prefix)",
                ExpressionAttributeValues={":prefix": {"S": prefix}},
                ConsistentRead=True,
            )
            entries = [_entry(item) for page in pages for item in page["Items"]]
        yield from sorted(entries, key=lambda pair: pair[0])

    def _item(self, change: Change) -> TransactWriteItemTypeDef:
        condition, values = _condition(change.expects)
        item: dict[str, Any] = {"TableName": self._table, "Key": {"pk": {"S": change.key}}}
        if condition:
            item["ConditionExpression"] = condition
        if change.document is not None:
            item["UpdateExpression"] = "SET document = :document ADD revision :one"
            values |= {":document": {"S": _encoded(change.document)}, ":one": {"N": "1"}}
        if values:
            item["ExpressionAttributeValues"] = values
        return cast("TransactWriteItemTypeDef", {"Delete" if change.document is None else "Update": item})


class MemoryControlStore:
    """The same in memory, for tests and `plugin explain` without a deployment."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[str, int]] = {}

    def get(self, keys: Sequence[str], *, fresh: bool = False) -> Mapping[str, Entry]:  # noqa: ARG002 - always is
        return {key: self._entry(key) for key in keys if key in self._entries}

    def write(self, changes: Sequence[Change]) -> bool:
        _check(changes)
        if any(c.expects is not None and c.expects != self._revision(c.key) for c in changes):
            return False
        for change in changes:
            if change.document is None:
                self._entries.pop(change.key, None)
            else:
                self._entries[change.key] = (_encoded(change.document), self._revision(change.key) + 1)
        return True

    def list(self, prefix: str) -> Iterator[tuple[str, Entry]]:
        yield from ((key, self._entry(key)) for key in sorted(self._entries) if key.startswith(prefix))

    def _revision(self, key: str) -> int:
        return self._entries[key][1] if key in self._entries else ABSENT

    def _entry(self, key: str) -> Entry:
        encoded, revision = self._entries[key]
        return Entry(json.loads(encoded), revision)


def _check(changes: Sequence[Change]) -> None:
    if len(changes) > MAX_CHANGES or len({change.key for change in changes}) < len(changes):
        raise ValueError("these changes do not fit one transaction")


def _condition(expects: int | None) -> tuple[str, dict[str, AttributeValueTypeDef]]:
    if expects is None:
        return "", {}
    if expects == ABSENT:
        return "attribute_not_exists(pk)", {}
    return "revision = :expected", {":expected": {"N": str(expects)}}


def _unprocessed(answer: Any, table: str) -> Sequence[Mapping[str, Any]]:
    keys: Sequence[Mapping[str, Any]] = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", ())
    return keys


def _encoded(document: Document) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _entry(item: Mapping[str, Any]) -> tuple[str, Entry]:
    return item["pk"]["S"], Entry(json.loads(item["document"]["S"]), int(item["revision"]["N"]))


def _is_unmet(error: Any) -> bool:
    """Whether a transaction failed only since an expectation did not hold."""
    if error_code(error) != "TransactionCanceledException":
        return False
    causes = {reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])}
    return causes <= {"None", "ConditionalCheckFailed"} and "ConditionalCheckFailed" in causes
