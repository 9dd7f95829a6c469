"""What the sealer stores: inventories of hours, and the chain of seals that names them.

    seal 41 ◀── previous ── seal 42 ◀── previous ── seal 43        one chain for the whole bucket
                              │ inventories, each with its digest
                              ▼
                     inventory of acme's hour: name, size and SHA-256 of every object in it

All digests are SHA-256 over the bytes as they are stored. A seal names inventories, not records, so that who
may see one organisation can check the whole chain, and of the inventories only that organisation's. Why one
chain, and why no signature: `docs/adr/0010-seals.md`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

from pydantic.types import StringConstraints

from penstock.errors import StorageError
from penstock.evidence import layout
from penstock.evidence.encoding import as_json, as_mapping
from penstock.evidence.record import Count, Part, Time
from penstock.evidence.schema import UnreadableEvidenceError, decode

HOUR_MS = 3_600_000
# What lies in the bucket is listed as it is called there, whoever put it there.
Key = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
PartT = TypeVar("PartT", bound=Part)


@dataclass(slots=True)
class Item(Part):
    """One object of an hour. `name`: its key after the hour's folder."""

    name: Key
    size_bytes: Count
    sha256: Sha256


@dataclass(slots=True)
class Inventory(Part):
    """Objects of one organisation's hour that no earlier inventory lists; a large hour has several."""

    folder: Key
    items: list[Item]
    schema: Literal["penstock.inventory/1"] = "penstock.inventory/1"


@dataclass(slots=True)
class Reference(Part):
    """An inventory as its seal knows it. `objects`: how many it lists."""

    key: Key
    sha256: Sha256
    objects: Count


@dataclass(slots=True)
class Seal(Part):
    """A link of the chain.

    `previous`: digest of the seal before, None for the first. `through`: the start of the last hour that had
    been looked at in every organisation; a run that had to stop leaves it as it was, None before the first.
    """

    number: Count
    sealed_at: Time
    previous: Sha256 | None = None
    through: Time | None = None
    inventories: list[Reference] = field(default_factory=list)
    schema: Literal["penstock.seal/1"] = "penstock.seal/1"


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends: number 0 and no digest before the first seal. `through_ms`: see `Seal`."""

    number: int = 0
    digest: str | None = None
    through_ms: int | None = None


def digest_of(packed: bytes) -> str:
    """Of bytes as they are stored."""
    return f"sha256:{hashlib.sha256(packed).hexdigest()}"


def packed(part: Part) -> bytes:
    """As it is stored."""
    return layout.pack(as_json(as_mapping(part)))


def unpacked(kind: type[PartT], body: bytes) -> PartT | None:
    """What `packed` packed, None for anything else."""
    try:
        return decode(kind, layout.unpack(body))
    except (StorageError, UnreadableEvidenceError):
        return None


def head_of(seal: Seal, stored: bytes) -> Head:
    return Head(seal.number, digest_of(stored), unix_ms(seal.through))


def unix_ms(time: Time | None) -> int | None:
    """A `Time` in Unix milliseconds."""
    if time is None:
        return None
    moment = datetime.strptime(time, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000
