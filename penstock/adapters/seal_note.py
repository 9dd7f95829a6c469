"""The note of where the chain of seals ends, kept outside of the bucket: in the ledger.

Who can remove the newest seals from the bucket could otherwise make the chain end earlier, and nobody would
see it. The note only ever goes forward.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from penstock.adapters.clients import Clients
from penstock.adapters.failures import error_code, mapped
from penstock.adapters.keys import SEAL_NOTE


@dataclass(frozen=True, slots=True)
class SealNote:
    """Number and digest of the newest seal, and through which hour all is sealed, in Unix milliseconds."""

    number: int
    digest: str
    through_ms: int | None


class SealNotes(Protocol):
    """Raises StorageError when the store does not answer."""

    def latest(self) -> SealNote | None:
        """None before the first."""

    def write(self, note: SealNote) -> None:
        """Write it down, unless there is one with the same or a higher number."""


class DynamoSealNotes:
    """An item of the ledger that does not expire."""

    def __init__(self, clients: Clients, ledger_table: str) -> None:
        self._clients = clients
        self._table = ledger_table

    def latest(self) -> SealNote | None:
        with mapped("read the note of the newest seal"):
            found = self._clients.dynamodb.get_item(
                TableName=self._table, Key={"pk": {"S": SEAL_NOTE}}, ConsistentRead=True
            )
        item = found.get("Item")
        if item is None:
            return None
        through = item.get("through_ms")
        return SealNote(int(item["number"]["N"]), item["digest"]["S"], int(through["N"]) if through else None)

    def write(self, note: SealNote) -> None:
        from botocore.exceptions import ClientError

        values = {":number": {"N": str(note.number)}, ":digest": {"S": note.digest}}
        change = "SET #number = :number, digest = :digest"
        if note.through_ms is not None:
            values[":through"] = {"N": str(note.through_ms)}
            change += ", through_ms = :through"
        with mapped("write the note of the newest seal"):
            try:
                self._clients.dynamodb.update_item(
                    TableName=self._table,
                    Key={"pk": {"S": SEAL_NOTE}},
                    UpdateExpression=change,
                    ConditionExpression="attribute_not_exists(pk) OR #number < :number",
                    ExpressionAttributeNames={"#number": "number"},
                    ExpressionAttributeValues=values,
                )
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise


class MemorySealNotes:
    """The same in memory, for tests."""

    def __init__(self) -> None:
        self._note: SealNote | None = None

    def latest(self) -> SealNote | None:
        return self._note

    def write(self, note: SealNote) -> None:
        if self._note is None or self._note.number < note.number:
            self._note = note
