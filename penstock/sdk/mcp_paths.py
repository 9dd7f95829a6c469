"""Where the fields are in a message of MCP: field → paths, in the language of `penstock.sdk.fields`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

MCP: Final = "mcp:message"

PATHS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "request.metadata": ("params._meta.**", "result._meta.**"),
        "request.mcp.method": ("method",),
        "request.mcp.tool": ("params.name",),
        "request.mcp.arguments": (
            "params.arguments.**",
            "params.uri",
            "params.ref.uri",
            "params.ref.title",
            "params.argument.value",
            "params.context.arguments.**",
            "params.cursor",
            "params.inputResponses.**",
            "params.notifications.resourceSubscriptions[*]",
            "params.clientInfo.**",
            "params.reason",
            "params.message",
            # What a client answers to a server's request: a completion, a form, its roots.
            "result.**",
            "error.message",
            "error.data.**",
        ),
        # Lists, results, a server's own requests, progress, logs.
        "response.mcp.result": ("result.**", "params.**", "error.message", "error.data.**"),
    }
)
