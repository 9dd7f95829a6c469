"""Whether a request may make its provider call MCP servers, which no grant and no rule here reaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from penstock.evidence.record import ControlRecord
from penstock.governance.access import STAGE
from penstock.governance.denied import Denied, deny
from penstock.governance.principal import Principal

ProviderSide = Literal["refuse", "allow"]


def check_provider_side(
    policy: ProviderSide, servers: Sequence[str], principal: Principal
) -> Denied | ControlRecord | None:
    """For a request to a model that names MCP servers: a refusal, or the line that it was let pass."""
    if not servers:
        return None
    if policy == "allow":
        return ControlRecord(STAGE, "allow", "mcp_provider_side", limit=len(servers))
    message = (
        "This request makes the provider call MCP servers itself, which this gateway does not allow: leave "
        "out `mcp_servers` and tools of type mcp, and call the servers at /mcp/<server>."
    )
    return deny(STAGE, "mcp_not_allowed", 403, message, limit=len(servers), principal=principal)
