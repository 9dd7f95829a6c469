"""What goes over the queues after the last byte. No message ever holds content.

    gateway ── OutboxMessage ──▶ outbox ──▶ recorder ── DeliveryMessage ──▶ a plugin's queue ──▶ plugin host

Read back with `penstock.evidence.schema.decode`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic.types import StringConstraints

from penstock.evidence.encoding import as_json, encode
from penstock.evidence.record import Code, EvidenceRecord, ObjectKey, Part

PluginName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,38}$")]
IdempotencyKey = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9a-f-]{36}:[a-z][a-z0-9-]{1,38}(:amendment|:step:[a-z][a-z0-9_]{0,47})?$"
    ),
]


@dataclass(slots=True)
class OutboxMessage(Part):
    """OUTCOME: the whole record, and the background plugins that shall get it; scope and mode are decided."""

    record: EvidenceRecord
    dispatch: list[PluginName] = field(default_factory=list)
    schema: Literal["penstock.outbox/1"] = "penstock.outbox/1"


@dataclass(slots=True)
class DeliveryMessage(Part):
    """One record for one background plugin. `key` is where the record is stored."""

    plugin: PluginName
    idempotency_key: IdempotencyKey
    key: ObjectKey
    record: EvidenceRecord
    amends: Code | None = None
    """`terminal` when an earlier record of the same request may have been delivered already."""
    schema: Literal["penstock.delivery-message/1"] = "penstock.delivery-message/1"


def outbox_message(record: EvidenceRecord, dispatch: Sequence[str]) -> bytes:
    """What the gateway puts into the outbox. `dispatch`: names of plugins."""
    head = as_json({"schema": "penstock.outbox/1", "dispatch": list(dispatch)})
    return head[:-1] + b',"record":' + encode(record) + b"}"


def delivery_message(record: EvidenceRecord, plugin: str, key: str, *, amends: bool) -> bytes:
    """What the recorder puts into the queue of `plugin`."""
    idempotency_key = f"{record.request_id}:{plugin}" + (":amendment" if amends else "")
    head = {
        "schema": "penstock.delivery-message/1",
        "plugin": plugin,
        "idempotency_key": idempotency_key,
        "key": key,
    }
    marked = head | ({"amends": "terminal"} if amends else {})
    return as_json(marked)[:-1] + b',"record":' + encode(record) + b"}"
