"""The server as an ASGI application, at `/mcp`: sessions until 2025-11-25, none in 2026-07-28."""

from __future__ import annotations

from mcp.server import MCPServer
from starlette.applications import Starlette

from examples.mcp_server import everything, library
from examples.mcp_server.events import MemoryEvents

RETRY_MS = 500


def server() -> MCPServer[None]:
    """A library's tools, and beside them what MCP's conformance suite asks for."""
    made: MCPServer[None] = MCPServer(
        "library", instructions="Finds books, and lends them.", version="1.0.0", log_level="ERROR"
    )
    library.add_to(made)
    everything.add_to(made)
    return made


def app(*, answers_json: bool = False) -> Starlette:
    """Every call makes a server of its own. `answers_json`: no events, as some servers have it."""
    events = None if answers_json else MemoryEvents()
    retry_ms = None if answers_json else RETRY_MS
    return server().streamable_http_app(
        json_response=answers_json, event_store=events, retry_interval=retry_ms
    )
