"""Asks an MCP server which tools it has, as a client of either kind of version.

Stateless first (2026-07-28, "Backward Compatibility"); who does not know that version is greeted with
`initialize`, and gets its session ended afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from penstock.dialects import sse
from penstock.dialects.mcp import events, headers, protocol
from penstock.dialects.mcp.content import ClientMessage, ServerMessage
from penstock.errors import UpstreamError
from penstock.upstream.mcp import HttpMethod, McpUpstream
from penstock.upstream.stream import UpstreamStream
from penstock.upstream.target import Target

SECONDS: Final = 30.0
MAX_PAGES: Final = 100
_META: Final = {protocol.META_VERSION: protocol.STATELESS_VERSIONS[-1], protocol.META_CAPABILITIES: {}}
_CLIENT: Final = {
    "protocolVersion": protocol.HANDSHAKE_VERSIONS[-1],
    "capabilities": {},
    "clientInfo": {"name": "penstock", "version": "1"},
}


def list_tools(upstream: McpUpstream, target: Target, credentials: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every definition, as the server sends it. Raises UpstreamError."""
    talk = _Talk(upstream, target, credentials)
    try:
        return list(_pages(talk, _META))
    except _UnknownVersionError:
        talk.greet()
    try:
        return list(_pages(talk, None))
    finally:
        talk.leave()


class _UnknownVersionError(Exception):
    """The server speaks no stateless version."""


class _Talk:
    """A few requests to one server."""

    def __init__(self, upstream: McpUpstream, target: Target, credentials: Mapping[str, str]) -> None:
        self._upstream = upstream
        self._target = target
        self._credentials = credentials
        self._session: dict[str, str] = {}
        self._version = protocol.STATELESS_VERSIONS[-1]

    def greet(self) -> None:
        """The handshake of the versions that have one."""
        self._version = protocol.HANDSHAKE_VERSIONS[-1]
        result = self.ask(protocol.INITIALIZE, _CLIENT)
        self._version = str(result.get("protocolVersion", self._version))
        self._send("POST", _message("notifications/initialized", {}, None)).close()

    def leave(self) -> None:
        """End the session, if the server made one."""
        if self._session:
            self._send("DELETE", None).close()

    def ask(self, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The result of one request. Raises UpstreamError, _UnknownVersionError."""
        request = _message(method, params, "penstock-1")
        stream = self._send("POST", request)
        try:
            if stream.status >= 300:
                raise self._failure(stream)
            if (session := stream.headers.get(protocol.SESSION_HEADER)) is not None:
                self._session = {protocol.SESSION_HEADER: session}
            return _result(stream, self._target.max_response_bytes)
        finally:
            stream.close()

    def _send(self, method: HttpMethod, message: ClientMessage | None) -> UpstreamStream:
        said = {protocol.VERSION_HEADER: self._version}
        if message is not None:
            said = headers.repeated(self._version, message)
        if message is not None and message.method == protocol.INITIALIZE:
            said = {}
        body = None if message is None else message.encoded()
        sent = {**said, **self._session, **self._credentials}
        return self._upstream.open(method, self._target, sent, body, SECONDS)

    def _failure(self, stream: UpstreamStream) -> Exception:
        is_stateless = self._version in protocol.STATELESS_VERSIONS
        if is_stateless and stream.status in {400, 404, 405, 406, 415}:
            return _UnknownVersionError()
        outcome = f"status_{stream.status}"
        return UpstreamError(f"The MCP server answered with HTTP status {stream.status}.", outcome=outcome)


def _pages(talk: _Talk, meta: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    params: dict[str, Any] = {"_meta": meta} if meta else {}
    for _ in range(MAX_PAGES):
        result = talk.ask(protocol.LIST_TOOLS, params)
        tools = result.get("tools")
        yield from (tool for tool in tools if _is_tool(tool)) if isinstance(tools, list) else ()
        if not isinstance(cursor := result.get("nextCursor"), str):
            return
        params = {**params, "cursor": cursor}


def _is_tool(tool: Any) -> bool:
    return isinstance(tool, dict) and isinstance(tool.get("name"), str)


def _message(method: str, params: Mapping[str, Any], request_id: str | None) -> ClientMessage:
    tree: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if request_id is not None:
        tree["id"] = request_id
    if params:
        tree["params"] = params
    return ClientMessage.decode(json.dumps(tree).encode())


def _result(stream: UpstreamStream, max_bytes: int) -> Mapping[str, Any]:
    for message in messages_of(stream, max_bytes):
        if message.kind == "response":
            if message.result is None:
                raise UpstreamError("The MCP server refused to list its tools.", outcome="refused")
            return message.result
    raise UpstreamError("The MCP server ended its answer early.", outcome="cut")


def messages_of(stream: UpstreamStream, max_bytes: int) -> Iterator[ServerMessage]:
    """What an answer carries, whether it is JSON or events. Raises UpstreamError."""
    if not stream.is_event_stream:
        yield ServerMessage.decode(stream.body())
        return
    parser = sse.Parser(max_bytes)
    while piece := stream.read():
        for event in parser.feed(piece):
            if events.is_message(event):
                yield ServerMessage.decode((event.data or "").encode())
