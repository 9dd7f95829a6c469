"""Every field that MCP carries has its paths, and no other."""

from __future__ import annotations

from penstock.sdk.fields import FIELDS
from penstock.sdk.mcp_paths import MCP


def test_what_a_client_and_a_server_say_of_a_call_is_in_fields_of_its_own() -> None:
    assert {name for name, entry in FIELDS.items() if MCP in entry.paths} == {
        "request.metadata",
        "request.mcp.method",
        "request.mcp.tool",
        "request.mcp.arguments",
        "response.mcp.result",
    }


def test_method_and_tool_can_be_read_and_never_written() -> None:
    assert FIELDS["request.mcp.method"].writable is FIELDS["request.mcp.tool"].writable is None
