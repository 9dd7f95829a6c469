"""Requests to an MCP server over a real socket: what is on the wire, and what is not."""

from __future__ import annotations

import functools

import pytest

from penstock.errors import UpstreamError
from penstock.upstream.mcp import HttpMcpUpstream
from penstock.upstream.target import Target
from tests.upstream.server import OK, Server, answering, body_of

pytestmark = pytest.mark.loopback


@functools.cache
def shared() -> HttpMcpUpstream:
    """One client for all tests, as an environment has one for all requests."""
    return HttpMcpUpstream()


def target(server: Server, path: str = "/mcp/", **headers: str) -> Target:
    return Target("files", f"http://127.0.0.1:{server.port}{path}", auth="none", headers=headers)


def lines(request: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    return first, {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}, body


def test_a_message_is_posted_with_our_headers_and_no_other() -> None:
    with Server(answering(OK)) as server:
        stream = shared().open("POST", target(server), {"mcp-session-id": "s"}, b"{}", 5)
        assert (stream.status, stream.body()) == (200, b'{"ok":true}')
        stream.close()
    first, headers, body = lines(server.requests[0])
    assert (first, body) == ("POST /mcp/ HTTP/1.1", b"{}")
    assert (headers.pop("host").partition(":")[0], headers.pop("connection")) == ("127.0.0.1", "keep-alive")
    assert headers == {
        "user-agent": "penstock",
        "accept": "application/json, text/event-stream",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "content-length": "2",
        "mcp-session-id": "s",
    }


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_carries_no_message_has_no_body(method: str) -> None:
    with Server(answering(OK)) as server:
        shared().open(method, target(server), {}, None, 5).close()  # type: ignore[arg-type]  # one of three
    first, headers, body = lines(server.requests[0])
    assert (first.split()[0], body) == (method, b"")
    assert "content-type" not in headers


def test_the_operators_headers_win_over_plugins() -> None:
    with Server(answering(OK)) as server:
        stream = shared().open("POST", target(server, **{"X-Team": "ops"}), {"x-team": "plugin"}, b"{}", 5)
        stream.close()
    assert lines(server.requests[0])[1]["x-team"] == "ops"


def test_a_redirect_is_not_followed() -> None:
    moved = body_of(b"", b"location: http://169.254.169.254/", status=b"307 Temporary Redirect")
    with Server(answering(moved)) as server, pytest.raises(UpstreamError) as caught:
        shared().open("POST", target(server), {"authorization": "Bearer secret"}, b"{}", 5)
    assert caught.value.outcome == "redirect"
    assert len(server.requests) == 1


def test_a_form_is_posted_to_an_authorization_server() -> None:
    with Server(answering(OK)) as server:
        url = f"http://127.0.0.1:{server.port}/token"
        answer = shared().post_form(url, {"grant_type": "client_credentials", "scope": "a b"}, {"x-a": "b"})
    assert (answer.status, answer.body) == (200, b'{"ok":true}')
    first, headers, body = lines(server.requests[0])
    assert (first, body) == ("POST /token HTTP/1.1", b"grant_type=client_credentials&scope=a+b")
    assert (headers["content-type"], headers["accept"]) == (
        "application/x-www-form-urlencoded",
        "application/json",
    )


def test_an_endless_token_is_not_read() -> None:
    with Server(answering(body_of(b"x" * 70_000))) as server, pytest.raises(UpstreamError) as caught:
        shared().post_form(f"http://127.0.0.1:{server.port}/token", {}, {})
    assert caught.value.outcome == "too_large"


def test_who_does_not_answer_is_unreachable() -> None:
    with pytest.raises(UpstreamError) as caught:
        shared().open("POST", Target("files", "http://127.0.0.1:1/mcp"), {}, b"{}", 5)
    assert caught.value.outcome == "unreachable"
