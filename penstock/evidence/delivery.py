"""The record of one attempt to give evidence to a background plugin, or to run a step of its workflow.

Joined to its request's by its id.
"""

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
    """What one plugin did with one message, or in one step. Schema `penstock.delivery/1`."""

    request_id: RequestId
    plugin: PluginName
    version: Version
    digest: Digest
    message_id: MessageId
    attempt: Count
    """How often the queue had given this message, or the step was tried; 1 of a call that was waited for."""
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
    path: Literal["background", "response", "workflow"] = "background"
    """`response`: the gateway called it and waited, before the last byte. `workflow`: a step of a run."""
    run: Digest | None = None
    """Of a step: HMAC of the run's id, which the plugin may have chosen."""
    step: Code | None = None
    outcome: Code | None = None
    """What the step came to, of what its `workflow.toml` declares."""
    outcomes: dict[Code, Code] = field(default_factory=dict)
    """What the steps before it in the run had come to, a human's answer among them."""
    approver: Digest | None = None
    """Of a human's answer: HMAC of the approver's label. `outcome` says what was decided."""
    schema: Literal["penstock.delivery/1"] = "penstock.delivery/1"
