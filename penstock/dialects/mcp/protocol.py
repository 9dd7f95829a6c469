"""What the specifications of MCP fix: versions, headers, methods, error codes.

Each is at modelcontextprotocol.io/specification/<version>: "Transports" of 2025-03-26 to 2025-11-25, and
"Streamable HTTP" and "Overview" of 2026-07-28. JSON-RPC's own codes are at jsonrpc.org/specification.
"""

from __future__ import annotations

from typing import Final

# With an `initialize` handshake, and sessions.
HANDSHAKE_VERSIONS: Final = ("2025-03-26", "2025-06-18", "2025-11-25")
# Without: every request says its version and its client's capabilities in `_meta`.
STATELESS_VERSIONS: Final = ("2026-07-28",)
VERSIONS: Final = (*HANDSHAKE_VERSIONS, *STATELESS_VERSIONS)
# What a request speaks that says nothing: the header came with 2025-06-18.
UNSAID_VERSION: Final = "2025-03-26"
BATCH_VERSION: Final = "2025-03-26"
"""The one version in which a body may be a list of messages."""

VERSION_HEADER: Final = "mcp-protocol-version"
SESSION_HEADER: Final = "mcp-session-id"
METHOD_HEADER: Final = "mcp-method"
NAME_HEADER: Final = "mcp-name"
PARAMETER_PREFIX: Final = "mcp-param-"
EVENT_HEADER: Final = "last-event-id"

META_VERSION: Final = "io.modelcontextprotocol/protocolVersion"
META_CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"

CALL_TOOL: Final = "tools/call"
LIST_TOOLS: Final = "tools/list"
INITIALIZE: Final = "initialize"
LISTEN: Final = "subscriptions/listen"
# Which parameter `Mcp-Name` repeats.
NAMED: Final = {CALL_TOOL: "name", "prompts/get": "name", "resources/read": "uri"}

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022
