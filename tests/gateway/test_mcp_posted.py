"""What a client posts, before any server is asked."""

from __future__ import annotations

import json

import pytest

from tests.dialects.mcp import bodies
from tests.gateway.mcp_world import (
    SEARCH,
    STATELESS,
    TOOLS,
    McpWorld,
    answered,
    batch,
    blocking,
    body_of,
    code_of,
)


@pytest.mark.parametrize(
    ("body", "headers", "refused"),
    [
        (b"{", {}, (400, "invalid_request_body")),
        (b'{"jsonrpc": "1.0"}', {}, (400, "invalid_request_body")),
        (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', {}, (400, "invalid_request_body")),
        (bodies.call(), {"content_type": "text/plain"}, (415, "unsupported_media_type")),
        (bodies.call(), {"accept": "application/json"}, (406, "not_acceptable")),
        (bodies.call(), {"mcp_protocol_version": "2024-11-05"}, (400, "mcp_version_not_supported")),
        (bodies.stateless_call(), {}, (400, "mcp_header_mismatch")),
        (bodies.stateless_call(), STATELESS | {"mcp_name": "delete"}, (400, "mcp_header_mismatch")),
        (bodies.call(), STATELESS, (400, "mcp_meta_missing")),
        (b"[" + bodies.call() + b"]", {"mcp_protocol_version": "2025-06-18"}, (400, "mcp_batch_not_allowed")),
        (b"[" + bodies.call() + b"]", STATELESS, (400, "mcp_batch_not_allowed")),
    ],
)
def test_what_is_no_request_is_refused_before_anything_is_done(
    body: bytes, headers: dict[str, str], refused: tuple[int, str]
) -> None:
    world = McpWorld()
    assert code_of(world.mcp_post(body, **headers)) == refused
    assert world.server.seen == []
    assert world.record.outcome == "blocked"


@pytest.mark.parametrize(("body", "number"), [(b"{", -32700), (b"[{", -32700), (b"{}", -32600)])
def test_what_cannot_be_read_is_told_from_what_is_no_message(body: bytes, number: int) -> None:
    assert json.loads(McpWorld().mcp_post(body).body)["error"]["code"] == number


@pytest.mark.parametrize("method", ["Tools/Call", "tools/call2", "tasks/result", "x"])
def test_a_method_that_nobody_knows_is_no_way_around_the_rules(method: str) -> None:
    world = McpWorld()
    assert code_of(world.mcp_post(bodies.request(method, name="delete"))) == (200, "mcp_method_not_allowed")
    assert world.server.seen == []
    assert str(world.record.resource.mcp_method).startswith("hmac:")


def test_a_method_can_be_opened_by_name() -> None:
    world = McpWorld(server={"methods": ["tasks/get"]})
    assert world.mcp_post(bodies.request("tasks/get", taskId="t")).status == 200
    assert world.record.resource.mcp_method == "tasks/get"


def test_each_message_of_a_batch_passes_the_same_rules_and_gates() -> None:
    world, plugin = blocking()
    answers = batch(
        bodies.result(1, tools=[*TOOLS, {**SEARCH, "name": "new"}]), bodies.text_result("ok", request_id=2)
    )
    world.reply(answered(answers))
    response = world.mcp_post(batch(bodies.request("tools/list", 1), bodies.call("search", 2, q="x")))
    assert [sorted(each["result"]) for each in body_of(response)] == [["tools"], ["content"]]
    assert [tool["name"] for tool in body_of(response)[0]["result"]["tools"]] == ["search", "delete"]
    assert [seen[:2] for seen in plugin.seen] == [("tools/list", None), ("tools/call", "search")]
    record = world.record
    assert (record.resource.mcp_method, record.resource.mcp_tool) == ("batch", "search")
    assert [each.calls for each in record.placements] == [2, 2]


@pytest.mark.parametrize(
    "second", [bodies.call("nothing", 2), bodies.call("search", 2, q="bad"), bodies.request("x", 2)]
)
def test_one_message_that_may_not_pass_stops_the_batch(second: bytes) -> None:
    world, _ = blocking()
    response = world.mcp_post(batch(bodies.request("prompts/list", 1), second))
    assert [each["id"] for each in body_of(response)] == [1, 2]
    assert world.server.seen == []


@pytest.mark.parametrize(
    "body",
    [
        batch(bodies.call("search", 1), bodies.call("delete", 2)),
        batch(bodies.call("search", 1), bodies.request("ping", 1)),
        batch(bodies.call("search", 1), bodies.result(2)),
        batch(bodies.request("initialize", 1)),
        b"[]",
    ],
)
def test_a_batch_that_one_record_could_not_tell_is_refused(body: bytes) -> None:
    world = McpWorld()
    assert world.mcp_post(body).status == 400
    assert world.server.seen == []
