"""MCP servers that a request makes the provider call: past the gateway, its grants and its rules for tools.

    Anthropic    mcp_servers: [{type, url, name, …}]                        "MCP connector"
    OpenAI       tools: [{type: "mcp", server_label, server_url | connector_id, …}]    "Connectors and MCP"

Both are looked for in every dialect, and names of members without regard to case: providers that speak
another's dialect take over what they like of it. What a provider has stored (a prompt by its id) may name
servers that nobody sees here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_TOOLS: Final = "tools"
_NAMES: Final = ("name", "server_label", "mcp_server_name", "server_url", "connector_id", "url")
UNNAMED: Final = "mcp"


def provider_mcp(tree: Mapping[str, Any]) -> tuple[str, ...]:
    """The servers as the caller names them, each once; `mcp` for one without a name."""
    return tuple(dict.fromkeys(map(_name, _found(tree))))


def _found(tree: Mapping[str, Any]) -> Iterator[Any]:
    for name, value in tree.items():
        match name.casefold():
            case "mcp_servers" if value:
                yield from value if isinstance(value, list) else (value,)
            case "tools":
                yield from _tools(value)
            case "input" | "messages" if isinstance(value, list):  # an item can bring tools along
                for item in value:
                    yield from _tools(item.get(_TOOLS)) if isinstance(item, dict) else ()


def _tools(tools: Any) -> Iterator[Any]:
    """Those of a list that stand for servers, and of lists inside, as namespaces have them."""
    for tool in tools if isinstance(tools, list) else ():
        if not isinstance(tool, dict):
            continue
        if isinstance(kind := tool.get("type"), str) and kind.casefold().startswith("mcp"):
            yield tool
        yield from _tools(tool.get(_TOOLS))


def _name(server: Any) -> str:
    named = (server.get(name) for name in _NAMES) if isinstance(server, dict) else ()
    return next((name for name in named if isinstance(name, str) and name), UNNAMED)
