"""Requests that make the provider call MCP servers: refused, unless configuration lets them pass."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from penstock.gateway.gateway import Gateway
from penstock.sdk import Context, Decision, Plugin, Request, Transform
from tests.gates.fakes import placement_of
from tests.gateway.world import World, error

SERVER = {"type": "url", "url": "https://mcp.example.com", "name": "canary-name"}
TOOL = {"type": "mcp", "server_label": "canary-name", "server_url": "https://mcp.example.com"}
HELLO: list[dict[str, str]] = [{"role": "user", "content": "hi"}]
BODIES: list[tuple[str, dict[str, Any]]] = [
    ("/v1/messages", {"max_tokens": 9, "messages": HELLO, "mcp_servers": [SERVER]}),
    ("/v1/messages/count_tokens", {"messages": HELLO, "mcp_servers": [SERVER]}),
    ("/v1/responses", {"input": "hi", "tools": [TOOL]}),
    ("/v1/chat/completions", {"messages": HELLO, "tools": [TOOL]}),
]
EVERY = pytest.mark.parametrize(("path", "body"), BODIES, ids=[path for path, _ in BODIES])


@EVERY
@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_would_call_mcp_servers_is_not_asked(
    path: str, body: dict[str, Any], stream: bool
) -> None:
    world = World()
    sent = {"model": "echo-1", **body, **({"stream": True} if stream else {})}
    response = world.send("POST", path, json.dumps(sent).encode())
    assert response.status == 403
    assert response.headers["x-penstock-code"] == "mcp_not_allowed"
    assert world.upstream.seen == []
    control = world.record.controls[-1]
    assert (control.stage, control.decision, control.code, control.limit) == (
        *("access", "deny", "mcp_not_allowed"),
        1,
    )
    assert "canary-name" not in repr(world.record)


@EVERY
def test_what_configuration_allows_passes_and_the_record_says_so(path: str, body: dict[str, Any]) -> None:
    world = World()
    world._gateway = Gateway(replace(world._parts(), provider_mcp="allow"))
    world.send("POST", path, json.dumps({"model": "echo-1", **body}).encode())
    assert len(world.upstream.seen) == 1
    told = [control for control in world.record.controls if control.code == "mcp_provider_side"]
    assert [(control.decision, control.limit) for control in told] == [("allow", 1)]


class Adding(Plugin):
    """Puts a server into a request that had none."""

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        return Transform(request.parameters.set("mcp_servers", [SERVER]))


def test_a_plugin_cannot_bring_servers_in_either() -> None:
    field = "request.parameters"
    placement = placement_of("adding", reads=[field], writes=[field], uninspected={"default": "allow"})
    world = World({"adding": Adding()}, placement)
    assert error(world.chat("hi")) == (403, "mcp_not_allowed")
    assert world.upstream.seen == []
