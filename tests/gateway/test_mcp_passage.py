"""The way of one request to an MCP server: who may come in, what reaches the server, what comes back."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.errors import UpstreamError
from penstock.sdk import Context, Decision, Plugin, Response, Transform
from tests.dialects.mcp import bodies
from tests.gates.fakes import placement_of
from tests.gateway.mcp_world import (
    McpWorld,
    answered,
    body_of,
    code_of,
    masking,
    opened,
)
from tests.gateway.world import Broken


def test_a_call_reaches_the_server_as_it_came_and_its_result_comes_back_as_it_is() -> None:
    world = McpWorld()
    body = bodies.call("search", q="x")
    response = world.mcp_post(body, mcp_protocol_version="2025-06-18")
    assert (response.status, response.body) == (200, bodies.text_result("Hello."))
    sent = world.server.sent
    assert (sent.method, sent.url, sent.body) == ("POST", "https://mcp.example.com/mcp", body)
    record = world.record
    assert (record.dialect, record.route, record.outcome, record.status) == (
        "mcp",
        "/mcp/{server}",
        "answered",
        200,
    )
    assert record.resource.mcp_server == "files"
    assert (record.resource.mcp_method, record.resource.mcp_tool) == ("tools/call", "search")


def test_no_header_of_the_callers_reaches_the_server() -> None:
    world = McpWorld()
    world.mcp_post(
        bodies.call(),
        cookie="a=b",
        x_api_key=world.key,
        host="gateway",
        x_forwarded_for="1.2.3.4",
        openai_beta="assistants=v2",
        mcp_method="tools/list",
        mcp_name="x",
        x_custom="y",
        mcp_protocol_version="2025-06-18",
    )
    assert world.server.sent.headers == {"mcp-protocol-version": "2025-06-18"}


class Notes(Plugin):
    """Tells the caller something beside the answer."""

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        return Transform(response.metadata.set("shelf", "b"), response.headers.set("x-shelf", "b"))


def test_what_plugins_tell_the_caller_besides_goes_with_an_answer_in_json() -> None:
    writes = ("response.metadata", "response.headers.x-shelf")
    placement = placement_of("notes", "after_upstream", writes=writes, uninspected={"default": "allow"})
    response = McpWorld({"notes": Notes()}, placement).mcp_post(bodies.call("search", q="x"))
    assert response.body == bodies.text_result("Hello.")
    assert (response.headers["x-penstock-meta-shelf"], response.headers["x-shelf"]) == ("b", "b")


def test_no_header_of_the_servers_reaches_the_caller_but_the_few_that_are_listed() -> None:
    world = McpWorld()
    world.reply(answered(bodies.text_result("Hello."), set_cookie="a=b", server="x", x_internal="y"))
    response = world.mcp_post(bodies.call())
    assert set(response.headers) == {"content-type", "x-request-id"}


def test_without_mcp_in_the_deployment_the_route_does_not_exist() -> None:
    world = McpWorld()
    world.mcp = None  # type: ignore[assignment]  # as a deployment without it
    assert code_of(world.mcp_post(bodies.call())) == (404, "unknown_route")


def test_without_a_key_nothing_is_looked_at() -> None:
    response = McpWorld().mcp_post(bodies.call(), key="")
    assert code_of(response) == (401, "unauthorized")
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://app.example.com", ""])
def test_a_page_of_another_origin_is_refused(origin: str) -> None:
    world = McpWorld(origins=frozenset({"https://app.example.com"}))
    assert code_of(world.mcp_post(bodies.call(), origin=origin)) == (403, "origin_not_allowed")
    assert world.server.seen == []


def test_a_page_of_a_known_origin_and_who_is_no_browser_pass() -> None:
    world = McpWorld(origins=frozenset({"https://app.example.com"}))
    assert world.mcp_post(bodies.call(), origin="https://app.example.com").status == 200
    assert world.mcp_post(bodies.call()).status == 200


def test_a_server_that_is_not_granted_is_refused_and_one_that_is_not_there_is_not_found() -> None:
    world = McpWorld(grants=[{"teams": ["red"], "models": ["echo-1"]}])
    assert code_of(world.mcp_post(bodies.call())) == (403, "mcp_not_allowed")
    assert code_of(world.mcp_post(bodies.call(), path="/mcp/other")) == (404, "mcp_server_not_found")
    assert world.stored[0][0].resource.mcp_server is not None
    assert world.server.seen == []


def test_one_key_in_a_loop_is_slowed_down() -> None:
    world = McpWorld(server={"calls_per_minute_per_environment": 2})
    assert [world.mcp_post(bodies.call()).status for _ in range(2)] == [200, 200]
    response = world.mcp_post(bodies.call())
    assert code_of(response) == (200, "mcp_rate_exceeded")
    assert response.headers["retry-after"] == "30"
    assert world.mcp_post(bodies.call(), key=world.other).status == 200
    world.monotonic_s = 31.0
    assert "result" in body_of(world.mcp_post(bodies.call()))


def test_the_server_gets_its_own_session_id_and_the_caller_one_that_is_sealed() -> None:
    world = McpWorld()
    token = opened(world)
    assert token != "upstream-1"
    assert world.mcp_post(bodies.call(), mcp_session_id=token).status == 200
    assert world.server.sent.headers["mcp-session-id"] == "upstream-1"


def test_a_session_is_of_no_use_to_another_key_at_another_server_or_changed() -> None:
    world = McpWorld()
    token = opened(world)
    for headers in (
        {"mcp_session_id": "upstream-1"},
        {"mcp_session_id": token + "x"},
        {"mcp_session_id": ""},
    ):
        assert code_of(world.mcp_post(bodies.call(), **headers)) == (404, "mcp_session_not_found")
    response = world.mcp_post(bodies.call(), key=world.other, mcp_session_id=token)
    assert code_of(response) == (404, "mcp_session_not_found")
    assert world.server.seen == []


def test_a_session_can_be_ended_by_who_opened_it() -> None:
    world = McpWorld()
    token = opened(world)
    world.reply(answered(b"", 204))
    assert world.send("DELETE", "/mcp/files", key=world.other, mcp_session_id=token).status == 404
    assert world.send("DELETE", "/mcp/files").status == 404
    assert world.server.seen == []
    assert world.send("DELETE", "/mcp/files", mcp_session_id=token).status == 204
    sent = world.server.sent
    assert (sent.method, sent.headers["mcp-session-id"], sent.body) == ("DELETE", "upstream-1", None)


def test_a_session_that_the_server_has_forgotten_is_not_found() -> None:
    world = McpWorld()
    token = opened(world)
    world.reply(answered(b"gone", 404, content_type="text/plain"))
    response = world.mcp_post(bodies.request("ping"), mcp_session_id=token)
    assert (response.status, b"gone" in response.body) == (404, False)


def test_without_a_stored_intent_nothing_leaves() -> None:
    world = McpWorld()
    world.ledger = Broken()
    assert code_of(world.mcp_post(bodies.call())) == (200, "evidence_unavailable")
    assert world.server.seen == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (answered(b"x", 500), "upstream_error"),
        (answered(b"x", 403), "upstream_error"),
        (answered(b"{}"), "upstream_error"),
        (answered(b"ok", 200, content_type="text/html"), "upstream_error"),
        (answered(b"", 202), "upstream_error"),
        (answered(bodies.text_result("x", request_id=2)), "upstream_error"),
        (answered(b"[" + bodies.text_result("a") + b"," + bodies.text_result("b") + b"]"), "upstream_error"),
    ],
)
def test_what_the_server_does_wrong_is_an_error_of_this_request_alone(answer: Any, code: str) -> None:
    world = McpWorld()
    world.reply(answer)
    assert code_of(world.mcp_post(bodies.call())) == (200, code)
    assert (world.record.outcome, world.record.upstream[-1].provider) == ("failed", "files")
    assert answer.closed


def test_a_server_that_cannot_be_reached_is_recorded() -> None:
    world = McpWorld(server={"pin": "off", "allowed_tools": ["*"]})
    world.server.error = UpstreamError("It is down.")
    assert code_of(world.mcp_post(bodies.call())) == (200, "upstream_error")
    assert [each.outcome for each in world.record.upstream] == ["unreachable"]


def test_a_servers_own_refusal_passes_with_its_status_and_through_the_gate() -> None:
    world = masking()
    refusal = bodies.raw(
        {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "No secret here"}}
    )
    world.reply(answered(refusal, 400))
    response = world.mcp_post(bodies.call(q="x"))
    assert (response.status, body_of(response)["error"]["message"]) == (400, "No <s> here")
