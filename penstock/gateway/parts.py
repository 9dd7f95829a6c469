"""What a gateway is made of."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.adapters.ledger import Ledger
from penstock.adapters.secrets import Secrets
from penstock.evidence.digests import DigestKey
from penstock.evidence.record import EvidenceRecord, now_ms
from penstock.gates.gate import Gate
from penstock.gates.placement import Placement
from penstock.gateway.opened_parts import OpenedParts
from penstock.gateway.waiting import Waiting
from penstock.governance.access import Access
from penstock.governance.authentication import Authentication
from penstock.governance.provider_side import ProviderSide
from penstock.ids import uuid7
from penstock.upstream.client import Upstream

if TYPE_CHECKING:
    from penstock.gateway.mcp_parts import McpParts


@dataclass(frozen=True, slots=True)
class Parts:
    """What a gateway is made of. Built once per environment, in `environment.py`; by hand in tests."""

    snapshot: str
    """Digest of the deployed snapshot, for every record."""
    before: Gate
    after: Gate
    background: Sequence[Placement]
    authentication: Authentication
    access: Access
    upstream: Upstream
    secrets: Secrets
    ledger: Ledger
    outbox: Callable[[EvidenceRecord, Sequence[str]], None]
    """Stores OUTCOME and the names of the plugins that get it, durably. Raises StorageError."""
    telemetry: Callable[[EvidenceRecord], None]
    digest_key: Callable[[], DigestKey]
    """The evidence key. Raises StorageError."""
    body_limit_bytes: int
    addresses: Sequence[str] = ()
    """Networks (CIDR) that any request may come from; none means any."""
    mcp: McpParts | None = None
    """What else is needed to serve MCP; None when the deployment does not."""
    provider_mcp: ProviderSide = "refuse"
    """Whether requests to models may make their provider call MCP servers."""
    opened: OpenedParts | None = None
    """Paths that no dialect understands and that are passed on; None when there are none."""
    waiting: Waiting | None = None
    """Calls the background plugins that a deployment waits for; None when it waits for none."""
    new_id: Callable[[], str] = uuid7
    clock: Callable[[], float] = time.monotonic
    now_ms: Callable[[], int] = now_ms

    @property
    def placements(self) -> int:
        """How many records a request must leave."""
        return len(self.before.placements) + len(self.after.placements) + len(self.background)
