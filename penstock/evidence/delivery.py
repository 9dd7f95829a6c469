"""The record of one attempt to give evidence to a background plugin; joined to its request's by its id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic.types import StringConstraints

from penstock.evidence.messages import IdempotencyKey, PluginName
from penstock.evidence.record import (
    Code,
    Count,
    Delivery,
    Digest,
    Failure,
    FieldName,
    Part,
    RequestId,
    Time,
    Version,
)

MessageId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,100}$")]

DELIVERY_UNKNOWN = "delivery_unknown"
"""Reason of a `fail`: an at-most-once delivery was begun, its end is not known, it is not tried again."""

UNDELIVERABLE = "undeliverable"
"""Reason of a `fail`: the plugin said that no later try will succeed; the message is a dead letter now."""

WAITED_MESSAGE = "response"
"""In the place of a message's id: the one call that the gateway waits for comes from no queue."""


@dataclass(slots=True)
class DeliveryRecord(Part):
    """What one background plugin did with one message. Schema `penstock.delivery/1`."""

    request_id: RequestId
    plugin: PluginName
    version: Version
    digest: Digest
    message_id: MessageId
    attempt: Count
    """How often the queue had given this message, 1 for the first time; 1 of a call that was waited for."""
    idempotency_key: IdempotencyKey
    delivered_at: Time
    action: Literal["allow", "record", "emit", "fail"]
    reason: Code | None = None
    failure: Failure | None = None
    also: list[Literal["record", "emit"]] = field(default_factory=list)
    recorded: dict[Code, float | Code] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    refused: list[FieldName] = field(default_factory=list)
    snapshot: Digest | None = None
    ms: float = 0.0
    path: Literal["background", "response"] = "background"
    """`response`: the gateway called it and waited, before the last byte."""
    schema: Literal["penstock.delivery/1"] = "penstock.delivery/1"
