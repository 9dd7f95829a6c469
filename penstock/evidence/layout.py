"""Where evidence lies in its bucket.

    org=<organisation>/dt=<YYYY-MM-DD>/hour=<HH>/<request id>.terminal.json.gz
                                                 <request id>.amendment.<digest of the body>.json.gz
                                                 <request id>.delivery.<plugin>.<message id>.<attempt>.json.gz
    seal/chain/<number>.json.gz
    seal/org=<organisation>/dt=<YYYY-MM-DD>/hour=<HH>/<number>.<digest>.json.gz

Date and hour (UTC) are those in the request id, a UUIDv7: who has the id needs no index to find the objects.
The organisation is percent-encoded; `-` stands for none, since no name begins so. Athena's partition
projection reads `org`, `dt` and `hour` without a crawler. Below `seal/` is what the sealer says of the rest
(`penstock.evidence.seals`): a chain, and inventories of hours.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from penstock.errors import StorageError
from penstock.ids import issued_at_ms

NOBODY = "-"
LEVEL = 6  # zlib's own default: evidence is small, and a higher level saves under one per cent of it
# Far above a record's bound: what unpacks to more is not ours.
MAX_UNPACKED_BYTES = 4_000_000


def organisation_folder(organisation: str | None) -> str:
    """The folder of all that belongs to an organisation."""
    return f"org={quote(organisation, safe='') if organisation else NOBODY}/"


def organisation_of(folder: str) -> str | None:
    """The organisation that `organisation_folder` made `folder` of."""
    name = folder.removeprefix("org=").removesuffix("/")
    return None if name == NOBODY else unquote(name)


def hour_folder(organisation: str | None, unix_ms: int) -> str:
    """The folder of one organisation's hour."""
    moment = datetime.fromtimestamp(unix_ms // 1000, UTC)
    return f"{organisation_folder(organisation)}dt={moment:%Y-%m-%d}/hour={moment:%H}/"


def hours(first_ms: int, last_ms: int) -> Iterator[int]:
    """A time in every hour from that of `last_ms` back to that of `first_ms`: newest first."""
    hour_ms = int(timedelta(hours=1).total_seconds()) * 1000
    for number in range(last_ms // hour_ms, first_ms // hour_ms - 1, -1):
        yield number * hour_ms


def request_prefix(organisation: str | None, request_id: str) -> str:
    """How every key of one request begins."""
    return f"{hour_folder(organisation, issued_at_ms(request_id))}{request_id}."


def terminal_key(organisation: str | None, request_id: str) -> str:
    """The one key that recorder and sweeper both write, whoever comes first."""
    return f"{request_prefix(organisation, request_id)}terminal.json.gz"


def amendment_key(organisation: str | None, request_id: str, body: bytes) -> str:
    """Named by its body: the same amendment again is the same object, another one is another."""
    digest = hashlib.sha256(body).hexdigest()[:16]
    return f"{request_prefix(organisation, request_id)}amendment.{digest}.json.gz"


def delivery_key(
    organisation: str | None, request_id: str, plugin: str, message_id: str, attempt: int
) -> str:
    """One attempt to deliver one message; a redriven message has another id."""
    return f"{request_prefix(organisation, request_id)}delivery.{plugin}.{message_id}.{attempt}.json.gz"


def hour_of(folder: str) -> int | None:
    """The hour of an hour's folder, in Unix milliseconds; None for what is no such folder."""
    try:
        start = datetime.strptime(folder.partition("/")[2], "dt=%Y-%m-%d/hour=%H/").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(start.timestamp()) * 1000


CHAIN = "seal/chain/"


def seal_key(number: int) -> str:
    """The one key of the seal with this number: whoever stores it first has it."""
    return f"{CHAIN}{number:012d}.json.gz"


def seal_number(key: str) -> int | None:
    """The number of a seal, or the one for which an inventory was made, None for another key."""
    digits = key.rpartition("/")[2].partition(".")[0]
    return int(digits) if len(digits) == 12 and digits.isascii() and digits.isdecimal() else None


def inventory_folder(hour: str) -> str:
    """Where the inventories of an hour's folder are."""
    return f"seal/{hour}"


def inventory_key(hour: str, number: int, packed: bytes) -> str:
    """Named by the seal that it is made for and by what it says: made again, it is the same object."""
    return f"{inventory_folder(hour)}{number:012d}.{hashlib.sha256(packed).hexdigest()[:16]}.json.gz"


class Named(NamedTuple):
    """What a key says. `kind`: terminal, amendment, delivery; empty for what is no evidence by its name."""

    request_id: str
    kind: str


# Whole names, and no beginnings of them: a plugin's role may write names with its own `.delivery.<plugin>.`
# in them, and `<id>.amendment.delivery.<plugin>.x` is not to be taken for an amendment.
_NAME: Final = re.compile(
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\."
    r"(?:(terminal)|(amendment)\.[0-9a-f]{16}|(delivery)\.[a-z][a-z0-9-]{1,38}\.[0-9A-Za-z-]{1,100}\.[0-9]{1,9})"
    r"\.json\.gz"
)


def named(key: str) -> Named:
    """The request and the kind of object that `key` names."""
    name = key.rpartition("/")[2]
    found = _NAME.fullmatch(name)
    if found is None:
        return Named(name.partition(".")[0], "")
    return Named(found[1], found[2] or found[3] or found[4])


def is_evidence(folder: str, name: str) -> bool:
    """Whether an object `name` of an hour's folder is called as evidence, and lies where its id says."""
    request_id, kind = named(name)
    if not kind or "/" in name:
        return False
    organisation = organisation_of(folder.partition("/")[0])
    try:
        return hour_folder(organisation, issued_at_ms(request_id)) == folder
    except (ValueError, OverflowError):  # an id of no time that there is
        return False


def pack(body: bytes) -> bytes:
    """Packed by gzip without time or name: equal bodies are equal objects wherever zlib is the same."""
    return gzip.compress(body, LEVEL, mtime=0)


def unpack(packed: bytes) -> bytes:
    """What `pack` packed. Raises StorageError for anything else, and for more than evidence can be."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
            body = stream.read(MAX_UNPACKED_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise StorageError("unpack an object") from error
    if len(body) > MAX_UNPACKED_BYTES:
        raise StorageError("unpack an object")
    return body
