"""Before an approved tool is called, the server's own list says that it is still what was approved."""

from __future__ import annotations

import json
from typing import Any

from penstock.upstream.target import Target
from tests.dialects.mcp import bodies
from tests.gateway.mcp_world import (
    DELETE,
    SEARCH,
    STATELESS,
    FakeMcpServer,
    McpWorld,
    answered,
    body_of,
    code_of,
    event,
    opened,
    streamed,
)
from tests.upstream.streams import FakeStream


class Paged(FakeMcpServer):
    """Lists its tools as `pages`; keeps what it was asked with."""

    def __init__(self, *pages: FakeStream) -> None:
        super().__init__([lambda: answered(bodies.text_result("Hello."))])
        self.pages = list(pages)
        self.asked: list[tuple[dict[str, str], Any]] = []

    def open(self, method: Any, target: Target, headers: Any, body: Any, seconds: float) -> FakeStream:
        if body is not None and b'"penstock-' in body:
            self.asked.append((dict(headers), json.loads(body)))
            return self.pages.pop(0)
        return super().open(method, target, headers, body, seconds)


def world(*pages: FakeStream) -> tuple[McpWorld, Paged]:
    made = McpWorld()
    server = made.server = Paged(*pages)
    object.__setattr__(made.mcp, "upstream", server)
    return made, server


def listed(number: int, tools: list[Any], **more: Any) -> bytes:
    return bodies.result(f"penstock-0190a5b2-7c00-7000-8000-000000000001-{number}", tools=tools, **more)


def test_every_page_is_asked_for_and_a_stream_will_do() -> None:
    second = streamed(
        event(bodies.notification("notifications/progress", progress=1)), event(listed(1, [SEARCH]))
    )
    made, server = world(answered(listed(0, [DELETE], nextCursor="p2")), second)
    assert "result" in body_of(made.mcp_post(bodies.call("search")))
    assert [asked["params"] for _, asked in server.asked] == [{}, {"cursor": "p2"}]
    assert [each.model for each in made.record.upstream] == ["tools/list", "tools/list", "tools/call"]


def test_it_is_asked_in_the_callers_session_and_version() -> None:
    made, server = world(
        answered(bodies.result("penstock-0190a5b2-7c00-7000-8000-000000000002-0", tools=[SEARCH]))
    )
    token = opened(made)
    made.mcp_post(bodies.call("search"), mcp_session_id=token, mcp_protocol_version="2025-06-18")
    assert server.asked[0][0] == {"mcp-protocol-version": "2025-06-18", "mcp-session-id": "upstream-1"}


def test_a_stateless_look_says_all_that_a_stateless_request_must() -> None:
    made, server = world(answered(listed(0, [SEARCH])))
    made.mcp_post(bodies.stateless_call("search"), **STATELESS)
    headers, asked = server.asked[0]
    assert headers == {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list"}
    assert set(asked["params"]["_meta"]) == {
        "io.modelcontextprotocol/protocolVersion",
        "io.modelcontextprotocol/clientCapabilities",
    }


def test_a_server_that_does_not_list_its_tools_has_none_that_can_be_called() -> None:
    error = bodies.raw({"jsonrpc": "2.0", "id": None, "error": {"code": -1, "message": "no"}})
    made, server = world(answered(error))
    assert code_of(made.mcp_post(bodies.call("search"))) == (200, "upstream_error")
    assert server.seen == []


def test_a_tool_that_the_server_does_not_list_is_not_called() -> None:
    made, server = world(answered(listed(0, [DELETE])))
    assert code_of(made.mcp_post(bodies.call("search"))) == (200, "mcp_tool_not_allowed")
    assert server.seen == []
