"""The server as an ASGI application, at `/mcp`: sessions until 2025-11-25, none in 2026-07-28."""

from __future__ import annotations

from mcp.server import MCPServer
from mcp.server.streamable_http import EventStore
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.routing import Route

from examples.mcp_server import everything, library
from examples.mcp_server.events import MemoryEvents

RETRY_MS = 500
# A page that a browser was led to by DNS rebinding has another Host and Origin.
LOCAL = TransportSecuritySettings(
    enable_dns_rebinding_protection=True,
    allowed_hosts=["127.0.0.1:*", "localhost:*", "[::1]:*"],
    allowed_origins=["http://127.0.0.1:*", "http://localhost:*", "http://[::1]:*"],
)


class Sessions(StreamableHTTPSessionManager):
    """Each session remembers its own events: streams are named by ids of requests, which sessions share."""

    @property
    def event_store(self) -> EventStore:
        """Another one for each session that is opened."""
        return MemoryEvents()

    @event_store.setter
    def event_store(self, store: EventStore | None) -> None:
        del store


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
    made = server()
    if answers_json:
        return made.streamable_http_app(json_response=True)
    sessions = Sessions(made._lowlevel_server, retry_interval=RETRY_MS, security_settings=LOCAL)
    route = Route("/mcp", endpoint=StreamableHTTPASGIApp(sessions))
    return Starlette(routes=[route], lifespan=lambda _: sessions.run())
