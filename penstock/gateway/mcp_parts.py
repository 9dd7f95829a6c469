"""What a gateway is made of besides, when its deployment serves MCP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from penstock.adapters.secrets import Secrets
from penstock.gateway.mcp_memory import ToolMemory
from penstock.governance.directory import Directory
from penstock.governance.mcp_access import McpAccess
from penstock.governance.mcp_rate import McpRate
from penstock.upstream.mcp import HttpMcpUpstream, McpUpstream
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


def mcp_parts(origins: Sequence[str] | None, directory: Directory, secrets: Secrets) -> McpParts | None:
    """The parts of an environment; None when its deployment does not serve MCP."""
    if origins is None:
        return None
    upstream = HttpMcpUpstream()
    credentials = McpCredentials(secrets, upstream)
    return McpParts(McpAccess(directory), upstream, credentials, frozenset(origins))
