"""What the approver's page says of a request: names, and its words where the deployment shows them."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, Final

from penstock.sdk import Request

from .settings import GateConfig

ROLES: Final = ("system", "user", "assistant", "tool")
MAX_CONTENT_BYTES: Final = 40_000  # as JSON: a value of the storage has 64 KB, with names and tags


def details_of(request: Request, config: GateConfig, now_s: int) -> dict[str, Any]:
    """As `penstock.approvals.page` shows it. `cut`: the page has to say that there is more."""
    names = ("organisation", "team", "user", "api_key", "tenant")
    content = _cut(_texts(request)) if config.show_content else None
    return {
        **{name: request.identity.get(name) for name in names},
        **dict(_named(request)),
        "reference": request.reference,
        "tags": dict(request.tags) if request.grants("request.tags") else {},
        "asked_at_s": now_s,
        "lifetime_s": config.lifetime_s,
        "uses": config.uses,
        "content": content[0] if content else None,
        "cut": bool(content and content[1]),
    }


def _named(request: Request) -> Iterator[tuple[str, str | None]]:
    """What is asked for, as far as the grant says: models have no methods, tools no models."""
    if request.grants("request.model"):
        yield "model", request.model
    if request.grants("request.route"):
        yield "route", request.route
    for name in ("server", "method", "tool"):
        if request.grants(f"request.mcp.{name}"):
            yield f"mcp_{name}", getattr(request.mcp, name)


def _cut(texts: Iterator[str]) -> tuple[list[str], bool]:
    """The first of them, and whether that is not all."""
    kept: list[str] = []
    left_bytes = MAX_CONTENT_BYTES
    for text in texts:
        # No text that fits has more characters than there are bytes left.
        size_bytes = _size_bytes(text[: left_bytes + 1])
        if size_bytes > left_bytes:
            return [*kept, _beginning(text[:left_bytes], left_bytes)], True
        kept.append(text)
        left_bytes -= size_bytes
    return kept, False


def _beginning(text: str, most_bytes: int) -> str:
    """As much of it as fits."""
    lengths = range(1, len(text) + 1)
    return text[: bisect_right(lengths, most_bytes, key=lambda length: _size_bytes(text[:length]))]


def _size_bytes(text: str) -> int:
    """As the storage has it, with what stands around it."""
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")) + 1


def _texts(request: Request) -> Iterator[str]:
    """What is granted of the request's words, each with where it stands."""
    for role in ROLES:
        if request.grants(f"request.messages.{role}"):
            yield from (f"[{role}] {text}" for text in getattr(request.messages, role))
    if request.grants("request.tools"):
        yield from (f"[tool definition] {text}" for text in request.tools)
    if request.grants("request.tool_calls"):
        yield from (f"[tool call] {text}" for text in request.tool_calls)
    if request.grants("request.mcp.arguments"):
        yield from (f"[argument] {text}" for text in request.mcp.arguments)
