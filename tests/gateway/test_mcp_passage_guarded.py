"""Ways past the built-in guards through MCP: closed each, or known and said in docs/mcp.md."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from tests.dialects.mcp import bodies
from tests.gateway.mcp_words import MADE_ANEW, asking, calling, initialize, result, said, sent
from tests.gateway.mcp_world import STATELESS, McpWorld, answered, event, streamed
from tests.plugins.every_door import placed

CARD: Final = "4242424242424242"
MAIL: Final = "alice" + "@corp.test"
TOKEN: Final = "gh" + "p_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z56"
VALUES: Final = {"card": CARD, "mail": MAIL, "token": TOKEN}


def guarded(plugin: str, *, listen: bool = False) -> McpWorld:
    """A gateway with one built-in plugin under its README's grant; every tool may be called."""
    loaded, there = placed(plugin)
    server = {"pin": "off", "allowed_tools": ["*"], "listen": listen}
    return McpWorld({plugin: loaded}, *there.values(), server=server)


def unguarded() -> McpWorld:
    return McpWorld(server={"pin": "off", "allowed_tools": ["*"]})


def left(world: McpWorld) -> bytes:
    """All that reached the server."""
    return b"".join(
        (each.body or b"") + json.dumps(dict(each.headers)).encode() for each in world.server.seen
    )


SEEN: Final = [*(("pii-redactor", name) for name in VALUES), ("secret-scanner", "token")]


@pytest.mark.parametrize(("plugin", "value"), SEEN)
@pytest.mark.parametrize("where", sent("x"))
def test_nothing_that_a_client_says_reaches_the_server_unseen(plugin: str, value: str, where: str) -> None:
    world = guarded(plugin)
    world.mcp_post(sent(VALUES[value])[where])
    assert VALUES[value].encode() not in left(world)


@pytest.mark.parametrize(("plugin", "value"), SEEN)
@pytest.mark.parametrize("where", said("x"))
def test_nothing_that_a_server_says_reaches_the_client_unseen(plugin: str, value: str, where: str) -> None:
    world = guarded(plugin)
    world.reply(said(VALUES[value])[where])
    assert VALUES[value].encode() not in world.mcp_post(bodies.call()).body


@pytest.mark.parametrize("where", sent("x"))
def test_without_a_guard_a_client_s_words_reach_the_server(where: str) -> None:
    world = unguarded()
    world.mcp_post(sent(TOKEN)[where])
    assert TOKEN.encode() in left(world)


@pytest.mark.parametrize("where", sorted(said("x").keys() - MADE_ANEW))
def test_without_a_guard_a_server_s_words_reach_the_client(where: str) -> None:
    world = unguarded()
    world.reply(said(TOKEN)[where])
    assert TOKEN.encode() in world.mcp_post(bodies.call()).body


@pytest.mark.parametrize(
    "members",
    [
        {"params": {"name": "search", "arguments": {"a": int(CARD)}}},
        {"params": {"name": "search", "arguments": {}, "_meta": {"progressToken": int(CARD)}}},
        {"method": "notifications/cancelled", "params": {"requestId": int(CARD)}},
        {"method": "logging/setLevel", "params": {"level": int(CARD)}},
        {"method": "initialize", "params": {"capabilities": {"experimental": {"x": int(CARD)}}}},
        {"params": {"name": "search", "arguments": {}, "extra": int(CARD)}},
        {"id": int(CARD)},
        {"id": CARD},
    ],
    ids=str,
)
def test_a_card_s_number_does_not_reach_the_server_as_a_number(members: dict[str, Any]) -> None:
    call: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "search"}}
    world = guarded("pii-redactor")
    world.mcp_post(bodies.raw(call | members))
    assert CARD.encode() not in left(world)


@pytest.mark.parametrize(
    "reply",
    [
        {"result": {"content": [], "structuredContent": {"a": int(CARD)}}},
        {"result": {"content": [{"type": "text", "text": "a", "mimeType": int(CARD)}]}},
        {"result": {"content": [], "resultType": int(CARD)}},
        {"error": {"code": int(CARD), "message": "no"}},
        {"error": {"code": 1, "message": "no", "other": int(CARD)}},
    ],
    ids=str,
)
def test_a_card_s_number_does_not_reach_the_client_as_a_number(reply: dict[str, Any]) -> None:
    world = guarded("pii-redactor")
    world.reply(answered(bodies.raw({"jsonrpc": "2.0", "id": 1, **reply})))
    assert CARD.encode() not in world.mcp_post(bodies.call()).body


PICTURE: Final = {"type": "image", "data": "aGVsbG8=", "mimeType": "image/png"}
TOOL_RESULT: Final = {"type": "tool_result", "toolUseId": "t", "content": [PICTURE]}
SAMPLING: Final = "sampling/createMessage"


@pytest.mark.parametrize(
    "reply",
    [
        lambda: result(content=[PICTURE]),
        lambda: result(content=[{"type": "resource", "resource": {"uri": "x://a", "blob": "aGVsbG8="}}]),
        lambda: result(contents=[{"uri": "x://a", "blob": "aGVsbG8="}]),
        lambda: result(messages=[{"role": "user", "content": PICTURE}]),
        lambda: asking(SAMPLING, messages=[{"role": "user", "content": PICTURE}]),
        lambda: asking(SAMPLING, messages=[{"role": "user", "content": [PICTURE]}]),
        lambda: asking(SAMPLING, messages=[{"role": "user", "content": [TOOL_RESULT]}]),
        lambda: result(requestState="c2VhbGVk"),
    ],
)
def test_what_no_guard_can_read_is_refused(reply: Any) -> None:
    world = guarded("secret-scanner")
    world.reply(reply())
    response = world.mcp_post(bodies.call())
    assert b"uninspectable_content" in response.body
    assert b"aGVsbG8=" not in response.body


@pytest.mark.parametrize("plugin", ["pii-redactor", "secret-scanner"])
@pytest.mark.parametrize(
    "message",
    [
        bodies.notification("notifications/message", level="info", data=TOKEN),
        bodies.request("elicitation/create", "e1", message=TOKEN, requestedSchema={}),
        bodies.text_result(TOKEN),
    ],
)
def test_a_stream_to_listen_on_is_guarded_as_an_answer_is(plugin: str, message: bytes) -> None:
    world = guarded(plugin, listen=True)
    world.reply(streamed(event(message)))
    response = world.send("GET", "/mcp/files", accept="text/event-stream")
    assert world.server.sent.method == "GET"
    assert TOKEN.encode() not in response.body


@pytest.mark.parametrize(("plugin", "value"), SEEN)
def test_a_header_that_repeats_an_argument_says_what_is_left_of_it(plugin: str, value: str) -> None:
    world = guarded(plugin)
    body = bodies.stateless_call(q=VALUES[value])
    world.mcp_post(body, **STATELESS, mcp_param_q=VALUES[value])
    assert VALUES[value].encode() not in left(world)
    fine = bodies.stateless_call(q="fine")
    world.mcp_post(fine, **STATELESS, mcp_param_q="fine")
    assert world.server.seen[-1].headers["mcp-param-q"] == "fine"


# docs/mcp.md, "Guard it", says that these pass.
KNOWN_TO_PASS: Final = {
    "the id of a request": bodies.call(request_id=TOKEN),
    "the id of what is cancelled": bodies.notification("notifications/cancelled", requestId=TOKEN),
    "a prompt's name": bodies.request("prompts/get", name=TOKEN),
    "a member's name": calling(arguments={TOKEN: True}),
}


@pytest.mark.parametrize("where", KNOWN_TO_PASS)
def test_names_and_ids_pass_and_the_docs_say_so(where: str) -> None:
    world = guarded("secret-scanner")
    world.reply(answered(bodies.text_result("ok", request_id=TOKEN if "request" in where else 1)))
    world.mcp_post(KNOWN_TO_PASS[where])
    assert TOKEN.encode() in left(world)


@pytest.mark.parametrize("plugin", ["pii-redactor", "secret-scanner"])
@pytest.mark.parametrize(
    "body",
    [
        bodies.call(q="the usual", nested={"a": [1, True, None, "b"]}),
        bodies.request(
            "tools/call", name="search", arguments={}, _meta={"claudecode/toolUseId": "toolu_01Ab"}
        ),
        initialize(capabilities={"roots": {"listChanged": True}, "experimental": {"a": {"kinds": ["x/y"]}}}),
        bodies.request("logging/setLevel", level="warning"),
        bodies.request("prompts/get", name="summarise", arguments={"length": "short"}),
    ],
)
def test_what_clients_usually_say_passes_as_it_came(plugin: str, body: bytes) -> None:
    world = guarded(plugin)
    world.mcp_post(body)
    assert world.server.sent.body == body


@pytest.mark.parametrize("plugin", ["pii-redactor", "secret-scanner"])
@pytest.mark.parametrize(
    "members",
    [
        {
            "tools": [
                {"name": "a", "inputSchema": {"type": "object"}, "_meta": {"openai/outputTemplate": "ui://a"}}
            ]
        },
        {"contents": [{"uri": "x://a", "text": "a", "mimeType": "text/html;profile=mcp-app"}]},
        {
            "resources": [
                {
                    "uri": "x://a",
                    "name": "a",
                    "mimeType": f"application/vnd.openxmlformats-officedocument.{kind}",
                }
                for kind in ("spreadsheetml.sheet", "wordprocessingml.document")
            ]
        },
        {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "s 2.0"}},
        {"content": [{"type": "text", "text": "a"}], "structuredContent": {"a": [1, 2.5]}, "isError": False},
        {
            "task": {
                "taskId": "786512e2-9e0d-44bd-8f29-789f320fe840",
                "status": "input_required",
                "ttl": 60000,
            }
        },
    ],
)
def test_what_servers_usually_say_passes_as_it_came(plugin: str, members: dict[str, Any]) -> None:
    world = guarded(plugin)
    reply = bodies.result(**members)
    world.reply(answered(reply))
    assert world.mcp_post(bodies.call()).body == reply
