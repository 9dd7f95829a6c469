"""A server's tools, whichever version it speaks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from penstock.errors import UpstreamError
from penstock.upstream.mcp_listing import list_tools
from penstock.upstream.target import Target
from tests.dialects.mcp import bodies
from tests.upstream.streams import FakeStream

JSON = {"content-type": "application/json"}
TARGET = Target("files", "https://mcp.example.com/mcp")
Asked = tuple[str, dict[str, str], Any]


class Server:
    """Answers in turn; keeps what it was asked."""

    def __init__(self, *answers: FakeStream) -> None:
        self.answers = list(answers)
        self.asked: list[Asked] = []

    def open(
        self, method: str, target: Target, headers: Mapping[str, str], body: bytes | None, _: float
    ) -> FakeStream:
        assert target is TARGET
        self.asked.append((method, dict(headers), json.loads(body) if body else None))
        return self.answers.pop(0)

    def post_form(self, *_: Any) -> Any:
        raise AssertionError


def json_of(body: bytes, status: int = 200, **headers: str) -> FakeStream:
    return FakeStream(
        body, status=status, headers=JSON | {k.replace("_", "-"): v for k, v in headers.items()}
    )


def listed(*names: str, **more: Any) -> bytes:
    return bodies.result("penstock-1", tools=[{"name": name} for name in names], **more)


def names(server: Server) -> list[str]:
    return [tool["name"] for tool in list_tools(server, TARGET, {"authorization": "Bearer t"})]


def test_a_stateless_server_is_asked_page_by_page() -> None:
    server = Server(json_of(listed("a", nextCursor="p")), FakeStream(b"data: " + listed("b") + b"\n\n"))
    assert names(server) == ["a", "b"]
    method, headers, asked = server.asked[1]
    assert (method, asked["params"]["cursor"]) == ("POST", "p")
    assert headers == {
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/list",
        "authorization": "Bearer t",
    }


def test_an_older_server_is_greeted_first_and_left_at_the_end() -> None:
    server = Server(
        json_of(b"{}", 400),
        json_of(bodies.result("penstock-1", protocolVersion="2025-06-18"), mcp_session_id="s"),
        json_of(b"", 202),
        json_of(listed("a")),
        json_of(b"", 204),
    )
    assert names(server) == ["a"]
    said = [
        (method, asked and asked["method"], headers.get("mcp-session-id"))
        for method, headers, asked in server.asked
    ]
    assert said[1:] == [
        ("POST", "initialize", None),
        ("POST", "notifications/initialized", "s"),
        ("POST", "tools/list", "s"),
        ("DELETE", None, "s"),
    ]
    assert server.asked[3][1]["mcp-protocol-version"] == "2025-06-18"
    assert "mcp-protocol-version" not in server.asked[1][1]


@pytest.mark.parametrize(
    "answer",
    [
        json_of(b"", 401),
        json_of(b"", 500),
        json_of(bodies.raw({"jsonrpc": "2.0", "id": "penstock-1", "error": {"code": -1, "message": "no"}})),
        FakeStream(),
    ],
)
def test_a_server_that_does_not_answer_is_a_failure(answer: FakeStream) -> None:
    with pytest.raises(UpstreamError):
        names(Server(answer))
