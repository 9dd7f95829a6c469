"""INTENT: what the ledger holds of a request before its upstream is called; the record made of it alone.

Stored on the hot path, so it holds what is needed to close the record and nothing else. It lists no
placements: which of them ran before the environment was lost is not known, and which would have been in scope
follows from the snapshot, the overrides, the principal and the resource.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from penstock.evidence.encoding import as_mapping
from penstock.evidence.messages import PluginName
from penstock.evidence.record import (
    Code,
    Digest,
    EvidenceRecord,
    Name,
    Part,
    Principal,
    RequestId,
    Resource,
    Route,
    Time,
)


@dataclass(slots=True)
class Intention(Part):
    """The facts of an intent."""

    received_at: Time
    dialect: Name
    route: Route
    stream: bool
    principal: Principal
    resource: Resource
    snapshot: Digest
    overrides: Name
    client_request_id: Digest | None = None
    front_request_id: RequestId | None = None
    tags: dict[Code, Name] = field(default_factory=dict)
    dispatch: list[PluginName] = field(default_factory=list)
    """Background plugins that get the record even if the request is never heard of again."""

    def facts(self) -> dict[str, Any]:
        """What the ledger stores."""
        return as_mapping(self)


def unknown_outcome(request_id: str, known: Intention, cause: str) -> EvidenceRecord:
    """The record of a request of which only the intent is known. The same again for the same intent."""
    return EvidenceRecord(
        request_id=request_id,
        received_at=known.received_at,
        dialect=known.dialect,
        route=known.route,
        stream=known.stream,
        principal=known.principal,
        resource=known.resource,
        snapshot=known.snapshot,
        overrides=known.overrides,
        status=None,
        outcome="outcome_unknown",
        cause=cause,
        client_request_id=known.client_request_id,
        front_request_id=known.front_request_id,
        tags=known.tags,
    )
