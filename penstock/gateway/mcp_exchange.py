"""One message on its way through the gates: what it is to them, and to the evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from penstock.dialects.mcp.content import ClientMessage
from penstock.evidence.record import PERSONAL
from penstock.gateway.account import Account
from penstock.governance.mcp_access import McpServer
from penstock.mcp.names import folded

# The methods of the specifications 2025-03-26 to 2026-07-28. Tasks are not among them: a task's id is of use
# to whoever has it, and a server behind the gateway cannot tell the gateway's callers apart.
METHODS: Final = frozenset(
    {
        *("initialize", "ping", "server/discover", "logging/setLevel", "completion/complete"),
        *("tools/list", "tools/call", "prompts/list", "prompts/get"),
        *("resources/list", "resources/templates/list", "resources/read"),
        *("resources/subscribe", "resources/unsubscribe", "subscriptions/listen"),
        *("notifications/initialized", "notifications/cancelled", "notifications/progress"),
        "notifications/roots/list_changed",
    }
)
BATCH: Final = "batch"
RESPONSE: Final = "response"
# As `penstock.evidence.record.Name`.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@/+-]{0,127}")
_PERSONAL: Final = re.compile(PERSONAL)


def is_name(text: str) -> bool:
    """Whether evidence may say `text` as a name."""
    return _NAME.fullmatch(text) is not None and _PERSONAL.search(text) is None


def said_method(message: ClientMessage, server: McpServer, account: Account) -> str:
    """The message's method as evidence says it: one that nobody has configured is a digest."""
    method = message.method
    if method is None:
        return RESPONSE
    if method in METHODS or (method in server.methods and is_name(method)):
        return method
    return account.digester.text("resource.mcp_method", method)


def said_tool(message: ClientMessage, server: McpServer, account: Account) -> str | None:
    """The tool that it calls: one that is neither approved nor named in configuration is a digest."""
    if (name := message.tool) is None:
        return None
    rules = server.tools.rules
    exact = rules.allowed.exact if rules.allowed is not None else frozenset[str]()
    if (name in rules.pins or folded(name) in exact) and is_name(name):
        return name
    return account.digester.text("resource.mcp_tool", name)


def facts_of(facts: Mapping[str, str | None], message: ClientMessage) -> dict[str, str | None]:
    """The request's facts with what this message asks for, for plugins that read it."""
    return {**facts, "mcp_method": message.method, "mcp_tool": message.tool}
