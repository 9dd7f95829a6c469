"""Who waits is answered once, by what answers it; a refusal is what a model or a program can read."""

from __future__ import annotations

import json

import pytest

from penstock.denial import Denial
from penstock.dialects.mcp.content import ClientMessage
from penstock.errors import UpstreamError
from penstock.gateway.mcp_answer import refusal_of
from tests.dialects.mcp import bodies
from tests.gateway.mcp_world import McpWorld, answered, batch, body_of, code_of

CALL = ClientMessage.decode(bodies.call("search", 7))
LIST = ClientMessage.decode(bodies.request("tools/list", 7))
BLOCK = Denial("guard.card", "There is a card number in it.", 403, "plugin_blocked")


def test_a_plugins_block_of_a_call_is_the_tools_own_error() -> None:
    result = json.loads(refusal_of(BLOCK, CALL, "r"))["result"]
    assert result == {
        "content": [{"type": "text", "text": "There is a card number in it."}],
        "isError": True,
        "_meta": {"penstock/code": "guard.card"},
    }


@pytest.mark.parametrize(
    ("why", "asked"),
    [
        (BLOCK, LIST),
        (Denial("mcp_tool_not_allowed", "No.", 403, "invalid_request"), CALL),
        (Denial("plugin_unavailable", "No.", 503, "plugin_unavailable"), CALL),
        (UpstreamError("It is down."), CALL),
    ],
)
def test_everything_else_is_an_error_of_json_rpc(why: Denial | UpstreamError, asked: ClientMessage) -> None:
    tree = json.loads(refusal_of(why, asked, "r"))
    assert (tree["id"], tree["error"]["data"]["code"]) == (7, why.code)


def test_an_error_without_an_id_answers_the_only_request_there_is() -> None:
    world = McpWorld()
    world.reply(
        answered(bodies.raw({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no"}}))
    )
    assert body_of(world.mcp_post(bodies.call()))["error"]["message"] == "no"


def test_two_answers_to_one_request_are_none() -> None:
    world = McpWorld()
    world.reply(answered(batch(bodies.text_result("a"), bodies.text_result("b"))))
    assert code_of(world.mcp_post(bodies.call())) == (200, "upstream_error")
