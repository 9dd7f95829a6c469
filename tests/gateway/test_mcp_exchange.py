"""Evidence names what configuration knows; anything else that a caller says is a digest."""

from __future__ import annotations

import pytest

from tests.dialects.mcp import bodies
from tests.gateway.mcp_world import McpWorld


@pytest.mark.parametrize("tool", ["4111 1111 1111 1111", "ann@example.com", "unknown", "_x"])
def test_a_tool_that_nobody_configured_is_a_digest(tool: str) -> None:
    world = McpWorld(server={"pin": "off", "allowed_tools": ["*"]})
    world.mcp_post(bodies.call(tool))
    assert str(world.record.resource.mcp_tool).startswith("hmac:k1:")


def test_a_tool_that_is_approved_or_allowed_by_name_is_named() -> None:
    world = McpWorld(server={"pin": "known", "allowed_tools": ["search", "plain"]})
    for tool in ("search", "plain"):
        world.mcp_post(bodies.call(tool))
    assert [record.resource.mcp_tool for record, _ in world.stored] == ["search", "plain"]


def test_a_name_that_evidence_may_not_say_is_a_digest_even_if_it_is_allowed() -> None:
    world = McpWorld(server={"pin": "off", "allowed_tools": ["pay_4111111111111111"]})
    world.mcp_post(bodies.call("pay_4111111111111111"))
    assert str(world.record.resource.mcp_tool).startswith("hmac:k1:")


def test_a_clients_answer_has_no_method_of_its_own() -> None:
    world = McpWorld()
    world.mcp_post(bodies.result(3, action="decline"))
    assert world.record.resource.mcp_method == "response"
