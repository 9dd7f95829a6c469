"""Finds evidence in its bucket by request id, by the caller's own id, or newest first, and joins it.

A request id of ours tells date and hour, so one listing for each organisation finds it. The caller's own id
is stored as an HMAC over request id and value, so it cannot be looked up: every record of the time searched
is read and tried with the evidence key.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from penstock.adapters.objects import Objects
from penstock.evidence import layout
from penstock.evidence.delivery import DeliveryRecord
from penstock.evidence.digests import Digester, DigestKey
from penstock.evidence.encoding import as_mapping
from penstock.evidence.record import EvidenceRecord
from penstock.evidence.schema import UnreadableEvidenceError, decode, read_record

_RECORDS = ("terminal", "amendment")  # kinds of objects that hold what became of a request
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(slots=True)
class RequestEvidence:
    """All that is kept of one request. `terminal` is None only while a delivery is there and it is not."""

    request_id: str
    keys: list[str] = field(default_factory=list)
    terminal: EvidenceRecord | None = None
    amendments: list[EvidenceRecord] = field(default_factory=list)
    deliveries: list[DeliveryRecord] = field(default_factory=list)

    @property
    def latest(self) -> EvidenceRecord | None:
        """What is known best: an outcome that came late knows more than the sweeper did."""
        return self.amendments[-1] if self.amendments else self.terminal

    def as_json(self) -> dict[str, object]:
        """For `--json`: the records as they are stored."""
        return {
            "request_id": self.request_id,
            "terminal": None if self.terminal is None else as_mapping(self.terminal),
            "amendments": [as_mapping(record) for record in self.amendments],
            "deliveries": [as_mapping(record) for record in self.deliveries],
            "objects": self.keys,
        }


class Known(NamedTuple):
    """What is known best of one request. `is_amended`: the record came after the sweeper had closed it."""

    record: EvidenceRecord
    is_amended: bool


class EvidenceReader:
    """Reads one bucket. Raises StorageError, and UnreadableEvidenceError for what is no evidence."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def find(self, request_id: str) -> RequestEvidence | None:
        """Everything of one request; `request_id` is one of ours."""
        for organisation in self.organisations():
            prefix = layout.request_prefix(organisation, request_id)
            keys = list(self._objects.list(prefix))
            if keys:
                return self._joined(request_id, keys)
        return None

    def find_by_client_id(
        self, client_id: str, key: DigestKey, first_ms: int, last_ms: int
    ) -> Iterator[RequestEvidence]:
        """Requests that the caller, or API Gateway, called `client_id`, newest first.

        A caller may have used it twice.
        """
        for record in self.records(first_ms, last_ms):
            wanted = Digester(key, record.request_id).text("client_request_id", client_id)
            if wanted == record.client_request_id or client_id == record.front_request_id:
                found = self.find(record.request_id)
                if found is not None:
                    yield found

    def records(self, first_ms: int, last_ms: int) -> Iterator[EvidenceRecord]:
        """The terminal records of the hours from `last_ms` back to `first_ms`, newest first."""
        for key in self._terminal_keys(first_ms, last_ms):
            packed = self._objects.get(key)
            if packed is not None:
                yield read_record(layout.unpack(packed))

    def latest(self, first_ms: int, last_ms: int, seen: set[str]) -> Iterator[Known]:
        """What is known best of each request, newest first, whose key is not in `seen`, which gets it.

        Only new ones are read: a request comes again when an amendment does.
        """
        for key in self.latest_keys(first_ms, last_ms):
            packed = None if key in seen else self._objects.get(key)
            if packed is not None:
                seen.add(key)
                yield Known(read_record(layout.unpack(packed)), layout.named(key).kind == "amendment")

    def latest_keys(self, first_ms: int, last_ms: int) -> Iterator[str]:
        """Of each request the key of its last amendment, as `RequestEvidence.latest`, else its terminal's."""
        for keys in self._keys(first_ms, last_ms):
            yield keys[-1]

    def _terminal_keys(self, first_ms: int, last_ms: int) -> Iterator[str]:
        for keys in self._keys(first_ms, last_ms):
            yield from (key for key in keys if layout.named(key).kind == "terminal")

    def _keys(self, first_ms: int, last_ms: int) -> Iterator[list[str]]:
        """Of each request, newest first, the keys of its records: the terminal one, then amendments.

        Request ids sort by time, and all keys of one have the same folder.
        """
        organisations = list(self.organisations())
        for hour_ms in layout.hours(first_ms, last_ms):
            found: dict[str, list[str]] = {}
            for organisation in organisations:
                for key in self._objects.list(layout.hour_folder(organisation, hour_ms)):
                    if layout.named(key).kind in _RECORDS:
                        found.setdefault(layout.named(key).request_id, []).append(key)
            for _, keys in sorted(found.items(), reverse=True):
                yield sorted(keys, key=lambda key: (_RECORDS.index(layout.named(key).kind), key))

    def organisations(self) -> Iterator[str | None]:
        """Every organisation that has evidence; None for requests of nobody known."""
        for folder in self._objects.folders("org="):
            yield layout.organisation_of(folder)

    def _joined(self, request_id: str, keys: list[str]) -> RequestEvidence:
        found = RequestEvidence(request_id, keys)
        for key in keys:
            packed = self._objects.get(key)
            body = layout.unpack(packed) if packed is not None else b""
            match layout.named(key).kind:
                case "terminal":
                    found.terminal = read_record(body)
                case "amendment":
                    found.amendments.append(read_record(body))
                case "delivery":
                    found.deliveries.append(_delivery(key, body))
        found.deliveries.sort(key=lambda record: (record.delivered_at, record.attempt))
        return found


def _delivery(key: str, body: bytes) -> DeliveryRecord:
    """A plugin's host writes it, and with it whatever shares its role: it says only what its name says."""
    record = decode(DeliveryRecord, body)
    name = f"{record.request_id}.delivery.{record.plugin}.{record.message_id}.{record.attempt}.json.gz"
    if key.rpartition("/")[2] != name:
        raise UnreadableEvidenceError("A delivery's record is that of another object than its name says.")
    return record


def is_ours(text: str) -> bool:
    """Whether `text` is a request id as the gateway makes them: a UUIDv7."""
    return _UUID.fullmatch(text) is not None and uuid.UUID(text).version == 7
