"""How the gateway shows an MCP server who it is, and where it does not go."""

from __future__ import annotations

import httpx

from penstock.dev.gateway import LocalGateway
from tests.e2e.mcp.door import Door
from tests.e2e.mcp.wire import answer, call, stateless


def opened(http: httpx.Client) -> str:
    response = http.post("/mcp/oauth", **stateless(call("enter", name="Ann")))
    text: str = answer(response)["result"]["content"][0]["text"]
    return text


def test_a_token_is_got_by_client_credentials_kept_and_got_anew_once_when_it_is_refused(
    gateway: LocalGateway, http: httpx.Client, key: str, door: Door
) -> None:
    assert [opened(http) for _ in range(4)] == ["open"] * 4
    environments = 6
    assert 1 <= door.tokens <= environments  # each environment has its own
    asked = door.asked[0]
    assert asked == {
        "kind": "Basic",
        "user": "gate way",
        "grant_type": "client_credentials",
        "scope": "books",
    }
    known = door.tokens
    door.tokens += 100  # all that were given out are void
    assert opened(http) == "open"
    assert door.tokens == known + 101
    assert key not in str(door.seen)


def test_a_server_that_refuses_every_token_is_asked_twice_and_no_more(http: httpx.Client, door: Door) -> None:
    before = len(door.seen), len(door.asked)
    door.refuses = True
    try:
        response = http.post("/mcp/oauth", **stateless(call("enter", name="Ann")))
    finally:
        door.refuses = False
    assert response.status_code == 502
    assert answer(response)["error"]["data"]["code"] == "upstream_error"
    assert len(door.seen) == before[0] + 2
    assert 1 <= len(door.asked) - before[1] <= 2


def test_a_redirect_is_not_followed(http: httpx.Client, door: Door) -> None:
    response = http.post("/mcp/moved", **stateless(call("enter", name="Ann")))
    assert response.status_code == 502
    assert "location" not in response.headers
    assert door.elsewhere == []
