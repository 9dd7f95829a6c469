"""Evidence in its bucket: every record once, under a key that its request id tells."""

from __future__ import annotations

from enum import Enum

from penstock.adapters.objects import Objects, PutOnce
from penstock.errors import StorageError
from penstock.evidence import layout
from penstock.evidence.encoding import encode
from penstock.evidence.record import EvidenceRecord
from penstock.evidence.whereabouts import amendment_key


class Stored(Enum):
    """What storing found. `SAME`: an earlier try had stored it. `OTHER`: another record has the place."""

    NEW = "new"
    SAME = "same"
    OTHER = "other"


class Archive:
    """Writes records. Raises StorageError when the bucket does not answer."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def put_terminal(self, record: EvidenceRecord) -> tuple[Stored, str]:
        """Store the record of a request that has ended; also the key. The first record of a request stays."""
        key = layout.terminal_key(record.principal.organisation, record.request_id)
        return self.put(key, encode(record)), key

    def put_amendment(self, record: EvidenceRecord) -> str:
        """Store a record beside the terminal one that came before it; its key."""
        key = amendment_key(record)
        if self.put(key, encode(record)) is Stored.OTHER:
            raise StorageError("store an amendment")
        return key

    def put(self, key: str, body: bytes) -> Stored:
        """Store `body`, packed, unless there is something. Bodies are compared as they were before packing:
        two releases of Python may pack the same body in two ways.
        """
        match self._objects.put_once(key, layout.pack(body)):
            case PutOnce.STORED:
                return Stored.NEW
            case PutOnce.SAME_ALREADY:
                return Stored.SAME
            case PutOnce.DIFFERENT:
                there = self._objects.get(key)
                same = there is not None and layout.unpack(there) == body
                return Stored.SAME if same else Stored.OTHER
