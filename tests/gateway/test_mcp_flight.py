"""Messages on their ways through both gates."""

from __future__ import annotations

import json

from tests.dialects.mcp import bodies
from tests.gates.fakes import placement_of
from tests.gateway.mcp_world import (
    ARGUMENTS,
    STATELESS,
    Answers,
    McpWorld,
    answered,
    batch,
    blocking,
    body_of,
    code_of,
    masking,
)


def test_arguments_and_results_pass_the_gates() -> None:
    world = masking()
    world.reply(answered(bodies.text_result("the secret", structuredContent={"a": ["secret"]})))
    response = world.mcp_post(bodies.call(q="my secret"))
    assert world.server.sent.message["params"]["arguments"] == {"q": "my <s>"}
    assert body_of(response)["result"] == {
        "content": [{"type": "text", "text": "the <s>"}],
        "structuredContent": {"a": ["<s>"]},
    }
    assert [record.action for record in world.record.placements] == ["transform", "transform"]
    assert "secret" not in json.dumps([str(record) for record in world.record.placements])


def test_a_stateless_calls_headers_say_what_the_guards_have_let_through() -> None:
    world = masking()
    headers = STATELESS | {"mcp_param_q": "my secret"}
    response = world.mcp_post(bodies.stateless_call(q="my secret"), **headers, mcp_session_id="ignored")
    assert response.status == 200
    assert world.server.sent.headers == {
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "search",
        "mcp-param-q": "my <s>",
    }


def test_a_blocked_call_is_the_tools_error_and_never_reaches_the_server() -> None:
    world, plugin = blocking()
    response = world.mcp_post(bodies.call(q="bad"))
    assert code_of(response) == (200, "guard.reason")
    assert plugin.seen == [("tools/call", "search", ("bad",))]
    assert world.server.seen == []
    record = world.record
    assert (record.outcome, record.code) == ("blocked", "guard.reason")
    assert [each.action for each in record.placements] == ["block", "skipped"]


def test_a_blocked_result_is_not_passed_on() -> None:
    world, _ = blocking()
    world.reply(answered(bodies.text_result("bad words")))
    response = world.mcp_post(bodies.call(q="x"))
    assert code_of(response) == (200, "guard.reason")
    assert b"words" not in response.body


def test_what_is_no_call_is_blocked_by_a_json_rpc_error() -> None:
    world, _ = blocking()
    response = world.mcp_post(bodies.request("resources/read", 7, uri="file:///bad"))
    assert body_of(response)["id"] == 7
    assert code_of(response) == (200, "guard.reason")


def test_a_stateless_client_reads_errors_at_their_own_status() -> None:
    world, _ = blocking()
    body = bodies.request("resources/read", 7, uri="file:///bad", _meta=bodies.META)
    headers = STATELESS | {"mcp_method": "resources/read", "mcp_name": "file:///bad"}
    assert code_of(world.mcp_post(body, **headers)) == (403, "guard.reason")


def test_a_clients_answer_to_the_server_passes_the_gate_and_is_refused_by_status() -> None:
    world, plugin = blocking()
    world.reply(answered(b"", 202))
    assert world.mcp_post(bodies.result(9, content={"type": "text", "text": "fine"})).status == 202
    response = world.mcp_post(bodies.result(9, content={"type": "text", "text": "bad"}))
    assert (response.status, body_of(response)["id"]) == (403, None)
    assert plugin.seen[-1][:2] == (None, None)
    assert len(world.server.seen) == 1


def test_an_image_in_a_result_is_refused_under_a_guard_that_cannot_see_it() -> None:
    world, _ = blocking()
    world.reply(answered(bodies.result(content=[{"type": "image", "data": "aGk=", "mimeType": "image/png"}])))
    assert code_of(world.mcp_post(bodies.call(q="x"))) == (200, "uninspectable_content")


def test_a_plugin_can_answer_in_the_tools_place() -> None:
    placement = placement_of("guard", reads=(ARGUMENTS,), effects=("respond",))
    world = McpWorld({"guard": Answers()}, placement)
    response = world.mcp_post(bodies.call(q="x"))
    assert body_of(response)["result"]["content"] == [{"type": "text", "text": "From the plugin."}]
    assert world.server.seen == []
    assert code_of(world.mcp_post(bodies.request("tools/list"))) == (200, "plugin_unavailable")


def test_who_answers_where_only_the_server_can_has_run_all_the_same() -> None:
    placement = placement_of("guard", effects=("respond",))
    world = McpWorld({"guard": Answers()}, placement)
    assert code_of(world.mcp_post(bodies.request("tools/list"))) == (200, "plugin_unavailable")
    assert [(each.action, each.calls) for each in world.record.placements] == [("transform", 1)]


def test_who_has_seen_one_answer_has_run_though_the_next_answers_nothing() -> None:
    world, _ = blocking()
    world.reply(answered(batch(bodies.text_result("fine"), bodies.result(99))))
    assert code_of(world.mcp_post(bodies.call(q="x"))) == (200, "upstream_error")
    assert [(each.action, each.calls) for each in world.record.placements] == [("allow", 1), ("allow", 1)]
