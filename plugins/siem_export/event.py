"""A record of evidence as a SIEM takes it: the body of one request, byte for byte the same on every try."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from penstock.sdk import Evidence
from penstock.sdk.delivery import compact_json

# What fits one packet of Ethernet without its headers is sent as it is: gzip would save no round trip.
GZIP_OVER_BYTES: Final = 1_400
GZIP_LEVEL: Final = 6


class Body(NamedTuple):
    """What is sent, how long it was before gzip, and the key under which a receiver takes it once."""

    content: bytes
    plain_bytes: int
    key: str
    headers: Mapping[str, str]


def body(evidence: Evidence, envelope: Mapping[str, Any] | None = None, *, compress: bool = True) -> Body:
    """The record as JSON, in HEC's envelope where one is given; in gzip when that is shorter by a packet.

    `envelope`: what Splunk is told beside the record; what is None is left to the token.
    """
    record = compact_json(evidence)
    key = idempotency_key(evidence.request_id, record)
    plain = record if envelope is None else _enveloped(evidence, envelope, key, record)
    headers = {"content-type": "application/json", "idempotency-key": key}
    if not compress or len(plain) <= GZIP_OVER_BYTES:
        return Body(plain, len(plain), key, headers)
    packed = gzip.compress(plain, GZIP_LEVEL, mtime=0)
    return Body(packed, len(plain), key, {**headers, "content-encoding": "gzip"})


def idempotency_key(request_id: str, record: bytes) -> str:
    """The same for each copy of a record; another for the record that amends one of the same request."""
    return f"{request_id}:siem-export:{hashlib.sha256(record).hexdigest()[:16]}"


def _enveloped(evidence: Evidence, envelope: Mapping[str, Any], key: str, record: bytes) -> bytes:
    """`time`: when the request came, in Unix seconds. The record is encoded once: it is most of the work."""
    received_at = evidence.get("received_at")
    time_s = None if received_at is None else round(datetime.fromisoformat(received_at).timestamp(), 3)
    head = {"time": time_s, **envelope, "fields": {"idempotency_key": key}}
    told = compact_json({name: value for name, value in head.items() if value is not None})
    return told[:-1] + b',"event":' + record + b"}"
