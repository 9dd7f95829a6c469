"""What an MCP server gets beside the message: the operator's credentials, never the caller's."""

from __future__ import annotations

import json

from penstock.gateway.http import HttpResponse
from penstock.upstream.client import UpstreamAnswer
from tests.dialects.mcp import bodies
from tests.gateway.mcp_world import (
    McpWorld,
    answered,
    body_of,
    code_of,
)


def test_the_server_gets_the_operators_credentials_and_never_the_callers() -> None:
    world = McpWorld(
        server={"auth": "bearer", "secret": "mcp/token"}, secrets={"mcp/token": "upstream-token\n"}
    )
    world.mcp_post(bodies.call())
    assert world.server.sent.headers["authorization"] == "Bearer upstream-token"
    assert world.key not in str(world.server.seen)


def test_a_token_that_has_been_revoked_is_fetched_anew_once() -> None:
    oauth2 = {"token_url": "https://idp.example.com/token", "client_id": "gw"}
    server = {
        "auth": "oauth2",
        "secret": "mcp/secret",
        "oauth2": oauth2,
        "pin": "off",
        "allowed_tools": ["*"],
    }
    world = McpWorld(server=server, secrets={"mcp/secret": "s3cret"})
    tokens = [{"access_token": name, "token_type": "Bearer", "expires_in": 3600} for name in ("t1", "t2")]
    world.server.tokens = [UpstreamAnswer(200, {}, json.dumps(token).encode(), 1.0) for token in tokens]
    world.reply(answered(b"", 401), answered(bodies.text_result("Hello.")))
    response: HttpResponse = world.mcp_post(bodies.call())
    assert "result" in body_of(response)
    assert [sent.headers["authorization"] for sent in world.server.seen] == ["Bearer t1", "Bearer t2"]
    assert [each.outcome for each in world.record.upstream] == ["status_401", "answered"]
    world.reply(answered(b"", 401))
    world.server.tokens = [UpstreamAnswer(200, {}, json.dumps(tokens[0]).encode(), 1.0)]
    assert code_of(world.mcp_post(bodies.call())) == (200, "upstream_error")
