"""Looks at a server's tools before one of them is called, when this environment has not seen them lately.

Without it an approved tool could change its words, and who still has the old list could call it: on Lambda
the environment that serves the call need not be the one that passed the list on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from penstock.dialects.mcp import headers, protocol
from penstock.dialects.mcp.content import ClientMessage
from penstock.errors import UpstreamError
from penstock.gateway.mcp_call import McpCall, sent_headers
from penstock.gateway.mcp_memory import ToolMemory
from penstock.gateway.mcp_posted import Posted
from penstock.gateway.mcp_tools import digests_of
from penstock.governance.mcp_access import McpServer
from penstock.upstream.mcp_listing import messages_of
from penstock.upstream.stream import UpstreamStream

MAX_PAGES: Final = 20
_META: Final = (protocol.META_VERSION, protocol.META_CAPABILITIES)


def look(
    call: McpCall,
    server: McpServer,
    memory: ToolMemory,
    posted: Posted,
    session: Mapping[str, str],
    seconds: float,
) -> None:
    """Remember the server's tools, as it lists them to this caller. Raises UpstreamError when it does not."""
    cursor: str | None = None
    for page in range(MAX_PAGES):
        request = _request(f"penstock-{call.request_id}-{page}", posted.messages[0], cursor)
        sent = sent_headers({}, headers.repeated(posted.version, request), session)
        stream = call.open("POST", sent, request.encoded(), seconds)
        outcome = "malformed"
        try:
            result = _result(stream, request, server.target.max_response_bytes)
            outcome = "answered"
        finally:
            call.ended(stream, outcome)
        memory.remember(server.name, digests_of(result.get("tools")))
        cursor = result.get("nextCursor")
        if not isinstance(cursor, str):
            return


def _request(request_id: str, asked: ClientMessage, cursor: str | None) -> ClientMessage:
    meta = {name: asked.meta[name] for name in _META if name in asked.meta}
    params: dict[str, Any] = {"_meta": meta} if meta else {}
    params |= {} if cursor is None else {"cursor": cursor}
    tree = {"jsonrpc": "2.0", "id": request_id, "method": protocol.LIST_TOOLS, "params": params}
    return ClientMessage.decode(json.dumps(tree).encode())


def _result(stream: UpstreamStream, request: ClientMessage, max_bytes: int) -> Mapping[str, Any]:
    for message in messages_of(stream, max_bytes):
        if message.kind == "response" and message.id == request.id and message.result is not None:
            return message.result
    raise UpstreamError(
        "The MCP server does not list its tools, so none can be compared.", outcome="malformed"
    )
