"""Which MCP servers a principal may use, and all that is needed to call one.

A server is granted by its exact name, to the key itself, or to its user, team or organisation; nothing else
opens it. A name that configuration does not know is 404 `mcp_server_not_found`; one that it knows and that is
not granted is 403 `mcp_not_allowed`, as with models (`penstock.governance.access`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from penstock.adapters.control import Entry
from penstock.adapters.keys import control_key
from penstock.governance.access import STAGE
from penstock.governance.denied import Denied, deny
from penstock.governance.directory import Decoded, Directory
from penstock.governance.principal import Principal
from penstock.mcp.names import NamePatterns
from penstock.mcp.rules import ArgumentRule, ToolAccess, ToolGrant, ToolRules
from penstock.upstream.mcp_target import McpAuth, OAuth2Client
from penstock.upstream.target import Target

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_TIMES: Final = ("connect_timeout_ms", "read_timeout_ms", "total_timeout_ms")


@dataclass(frozen=True, slots=True)
class McpServer:
    """One server for one principal. `tools` says which of its tools the principal may see and call."""

    name: str
    target: Target
    auth: McpAuth
    tools: ToolAccess
    descriptions: Literal["off", "warn", "hide"] = "warn"
    methods: frozenset[str] = frozenset()
    listen: bool = False
    calls_per_minute: int | None = None


class McpAccess:
    """Grants and servers, from the same directory as everything else."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._servers = Decoded(lambda entry: decode_server(entry.document))
        self._granted = Decoded(_decoded_grants)

    def server(self, principal: Principal, name: str) -> McpServer | Denied:
        """The server that `principal` asks for. Raises StorageError when that cannot be known."""
        key = control_key("mcp_server", name)
        wanted = [key] if _NAME.fullmatch(name) else []
        found = self._directory.read([*principal.grant_keys(), *wanted])
        if (entry := found.get(key)) is None:
            message = "There is no such MCP server here. Check the client's URL, which ends in /mcp/<server>."
            kind: Literal["invalid_request"] = "invalid_request"
            return deny(STAGE, "mcp_server_not_found", 404, message, kind=kind, principal=principal)
        grants = tuple(self._grants(principal, found, name))
        if not grants:
            message = "This API key has no grant for that MCP server. Ask who runs the gateway for one."
            return deny(STAGE, "mcp_not_allowed", 403, message, principal=principal)
        server = self._servers.of(key, entry)
        return replace(server, tools=replace(server.tools, grants=grants))

    def _grants(self, principal: Principal, found: Mapping[str, Entry], name: str) -> Iterator[ToolGrant]:
        for key in principal.grant_keys():
            if key in found:
                yield from self._granted.of(key, found[key]).get(name, ())


def decode_server(document: Mapping[str, Any]) -> McpServer:
    """A server of the control table, as `penstock.configuration.applied` compiles it; granted to nobody."""
    return McpServer(
        name=document["id"],
        target=Target(
            provider=document["id"],
            base_url=document["url"],
            auth="none",
            headers=document["headers"],
            max_response_bytes=document["max_result_bytes"],
            **{name: document[name] for name in _TIMES},
        ),
        auth=_auth(document),
        tools=ToolAccess(_rules(document), ()),
        descriptions=document["descriptions"],
        methods=frozenset(document["methods"]),
        listen=document["listen"],
        calls_per_minute=document["calls_per_minute_per_environment"],
    )


def _decoded_grants(entry: Entry) -> Mapping[str, tuple[ToolGrant, ...]]:
    """Server → what each grant of one subject says of its tools."""
    granted: dict[str, tuple[ToolGrant, ...]] = {}
    for item in entry.document["mcp_servers"]:
        grant = ToolGrant.of(item["allowed_tools"], item["blocked_tools"])
        granted[item["server"]] = (*granted.get(item["server"], ()), grant)
    return granted


def _rules(document: Mapping[str, Any]) -> ToolRules:
    allowed = document["allowed_tools"]
    return ToolRules(
        allowed=None if allowed is None else NamePatterns.of(allowed),
        blocked=NamePatterns.of(document["blocked_tools"]),
        arguments=tuple(
            ArgumentRule(NamePatterns.of(rule["tools"]), rule["fits"]) for rule in document["arguments"]
        ),
        pin=document["pin"],
        pins=document["pins"],
    )


def _auth(document: Mapping[str, Any]) -> McpAuth:
    oauth2 = document["oauth2"]
    return McpAuth(document["auth"], document["secret"], OAuth2Client(**oauth2) if oauth2 else None)
