"""Messages as clients and servers send them, for tests."""

from __future__ import annotations

import json
from typing import Any

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "python-sdk", "version": "2.3.0"},
    "io.modelcontextprotocol/clientCapabilities": {
        "sampling": {},
        "extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}},
    },
}


def raw(tree: Any) -> bytes:
    return json.dumps(tree).encode()


def request(method: str, request_id: int | str = 1, **params: Any) -> bytes:
    return raw({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})


def call(tool: str = "search", request_id: int | str = 1, **arguments: Any) -> bytes:
    return request("tools/call", request_id, name=tool, arguments=arguments)


def stateless_call(tool: str = "search", **arguments: Any) -> bytes:
    return request("tools/call", 1, name=tool, arguments=arguments, _meta=META)


def notification(method: str, **params: Any) -> bytes:
    return raw({"jsonrpc": "2.0", "method": method, "params": params})


def result(request_id: int | str = 1, **members: Any) -> bytes:
    return raw({"jsonrpc": "2.0", "id": request_id, "result": members})


def text_result(*texts: str, request_id: int | str = 1, **more: Any) -> bytes:
    return result(request_id, content=[{"type": "text", "text": text} for text in texts], **more)
