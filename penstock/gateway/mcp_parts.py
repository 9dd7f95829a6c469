"""What a gateway is made of besides, when its deployment serves MCP."""

from __future__ import annotations

from dataclasses import dataclass, field

from penstock.gateway.mcp_memory import ToolMemory
from penstock.governance.mcp_access import McpAccess
from penstock.governance.mcp_rate import McpRate
from penstock.upstream.mcp import McpUpstream
from penstock.upstream.mcp_auth import McpCredentials


@dataclass(frozen=True, slots=True)
class McpParts:
    """Built once per environment. `origins`: what a browser's `Origin` may be."""

    access: McpAccess
    upstream: McpUpstream
    credentials: McpCredentials
    origins: frozenset[str] = frozenset()
    rate: McpRate = field(default_factory=McpRate)
    memory: ToolMemory = field(default_factory=ToolMemory)
