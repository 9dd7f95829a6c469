"""MCP servers that a request makes the provider call, wherever a dialect has them."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects.provider_mcp import provider_mcp

SERVER = {"type": "mcp", "server_label": "books", "server_url": "https://mcp.example.com"}
FUNCTION = {"type": "function", "name": "mcp_looking"}


@pytest.mark.parametrize(
    ("tree", "named"),
    [
        ({"mcp_servers": [{"type": "url", "name": "a", "url": "https://x"}, {"name": "b"}]}, ("a", "b")),
        ({"mcp_servers": {"url": "https://x"}}, ("https://x",)),
        ({"mcp_servers": "https://x"}, ("mcp",)),
        ({"MCP_Servers": [{}]}, ("mcp",)),
        ({"tools": [FUNCTION, SERVER, SERVER]}, ("books",)),
        ({"Tools": [{"type": "MCP", "connector_id": "connector_mail"}]}, ("connector_mail",)),
        ({"tools": [{"type": "mcp_toolset", "mcp_server_name": "a"}]}, ("a",)),
        ({"tools": [{"type": "namespace", "name": "n", "tools": [SERVER]}]}, ("books",)),
        ({"input": [{"type": "additional_tools", "tools": [SERVER]}]}, ("books",)),
        ({"messages": [{"role": "system", "tools": [SERVER]}]}, ("books",)),
    ],
)
def test_a_server_is_found_wherever_a_provider_would(tree: dict[str, Any], named: tuple[str, ...]) -> None:
    assert provider_mcp(tree) == named


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"mcp_servers": []},
        {"mcp_servers": None},
        {"tools": [FUNCTION]},
        {"tools": "mcp"},
        {"tools": ["mcp", {"type": None}]},
        {"input": "mcp", "messages": [{"role": "user", "content": "call mcp_servers"}, "x"]},
        {"input": [{"type": "mcp_call", "server_label": "books", "output": "said"}]},
        {"metadata": {"mcp_servers": "1"}},
    ],
)
def test_what_only_speaks_of_servers_names_none(tree: dict[str, Any]) -> None:
    assert provider_mcp(tree) == ()
