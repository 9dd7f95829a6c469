"""MCP on the wire: what the official clients would not send, and what they do not show."""

from __future__ import annotations

import json
from typing import Any

import httpx

VERSION = "2025-11-25"
STATELESS = "2026-07-28"
_OURS = "io.modelcontextprotocol/"
_META = {
    f"{_OURS}protocolVersion": STATELESS,
    f"{_OURS}clientCapabilities": {},
    f"{_OURS}clientInfo": {"name": "wire", "version": "1"},
}


def message(method: str, request_id: int | None = 1, **params: Any) -> dict[str, Any]:
    tree: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
    return tree if request_id is None else tree | {"id": request_id}


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return message("tools/call", name=tool, arguments=arguments)


def stateless(tree: dict[str, Any], **headers: str) -> dict[str, Any]:
    """Arguments for `post`: a message as 2026-07-28 has it, with the headers that repeat it."""
    tree = tree | {"params": tree["params"] | {"_meta": _META}}
    said = {"mcp-protocol-version": STATELESS, "mcp-method": tree["method"]}
    name = tree["params"].get("name", tree["params"].get("uri"))
    said |= {} if name is None else {"mcp-name": name}
    return {"json": tree, "headers": said | headers}


def answer(response: httpx.Response) -> dict[str, Any]:
    """The message that answers the request, from JSON or from events."""
    found = [response.json()] if "json" in response.headers["content-type"] else events(response.text)
    return next(tree for tree in found if "result" in tree or "error" in tree)


def events(text: str) -> list[dict[str, Any]]:
    return [
        json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:") and line[5:].strip()
    ]


def opened(http: httpx.Client, path: str, **headers: str) -> dict[str, str]:
    """A session: the headers that its requests carry."""
    client = {"name": "wire", "version": "1"}
    tree = message("initialize", protocolVersion=VERSION, capabilities={}, clientInfo=client)
    response = http.post(path, json=tree, headers=headers)
    assert response.status_code == 200, response.text
    said = {
        **headers,
        "mcp-session-id": response.headers["mcp-session-id"],
        "mcp-protocol-version": VERSION,
    }
    done = http.post(path, json=message("notifications/initialized", None), headers=said)
    assert done.status_code == 202, done.text
    return said
