"""What an MCP server gets instead of the caller's key; a token is kept as long as it is good."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from penstock.adapters.secrets import MemorySecrets
from penstock.errors import UpstreamError
from penstock.upstream.client import UpstreamAnswer
from penstock.upstream.mcp_auth import McpCredentials
from penstock.upstream.mcp_target import McpAuth, OAuth2Client

CLIENT = OAuth2Client(
    "https://idp.example.com/token", "gw:1", scope="read write", resource="https://mcp.example.com"
)
OAUTH2 = McpAuth("oauth2", "mcp/secret", CLIENT)


@dataclass
class FakeIdp:
    """An authorization server that counts."""

    status: int = 200
    body: Any = None
    forms: list[tuple[str, Mapping[str, str], Mapping[str, str]]] = field(default_factory=list)

    def open(self, *_: Any) -> Any:
        raise AssertionError

    def post_form(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> UpstreamAnswer:
        self.forms.append((url, form, headers))
        body = self.body
        if body is None:
            body = {"access_token": f"t{len(self.forms)}", "token_type": "Bearer", "expires_in": 600}
        return UpstreamAnswer(
            self.status, {}, body if isinstance(body, bytes) else json.dumps(body).encode(), 1.0
        )


@dataclass
class World:
    idp: FakeIdp = field(default_factory=FakeIdp)
    now: float = 0.0
    secret: str = "s3 cret"

    def __post_init__(self) -> None:
        secrets = MemorySecrets({"mcp/secret": self.secret})
        self.credentials = McpCredentials(secrets, self.idp, clock=lambda: self.now)

    def header(self, auth: McpAuth = OAUTH2, *, fresh: bool = False) -> str | None:
        return self.credentials.header(auth, fresh=fresh).get("authorization")


def test_none_bearer_and_basic_come_from_the_secret() -> None:
    assert World().header(McpAuth()) is None
    assert World(secret="abc\n").header(McpAuth("bearer", "mcp/secret")) == "Bearer abc"
    assert World(secret="user:pä ss").header(McpAuth("basic", "mcp/secret")) == "Basic dXNlcjpww6Qgc3M="


@pytest.mark.parametrize(
    ("kind", "secret"),
    [("bearer", "two words"), ("bearer", "a\r\nb: c"), ("bearer", ""), ("basic", "nocolon")],
)
def test_a_secret_that_no_header_carries_is_not_sent(kind: Any, secret: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        World(secret=secret).header(McpAuth(kind, "mcp/secret"))
    assert caught.value.outcome == "no_credentials"
    assert secret not in str(caught.value) or not secret


def test_a_secret_that_is_not_there_is_the_operators_matter() -> None:
    with pytest.raises(UpstreamError) as caught:
        World().header(McpAuth("bearer", "other"))
    assert caught.value.outcome == "no_credentials"


def test_client_credentials_are_sent_as_the_standards_say() -> None:
    world = World()
    assert world.header() == "Bearer t1"
    url, form, headers = world.idp.forms[0]
    assert url == CLIENT.token_url
    assert form == {
        "grant_type": "client_credentials",
        "scope": "read write",
        "resource": "https://mcp.example.com",
    }
    assert headers == {"authorization": "Basic Z3clM0ExOnMzJTIwY3JldA=="}  # gw%3A1:s3%20cret


def test_id_and_secret_may_travel_in_the_form() -> None:
    world = World()
    world.header(McpAuth("oauth2", "mcp/secret", OAuth2Client(CLIENT.token_url, "gw", client_auth="post")))
    _, form, headers = world.idp.forms[0]
    assert (form["client_id"], form["client_secret"], headers) == ("gw", "s3 cret", {})


def test_a_token_is_kept_until_shortly_before_it_expires() -> None:
    world = World()
    assert world.header() == "Bearer t1"
    world.now = 569.0
    assert world.header() == "Bearer t1"
    world.now = 571.0
    assert world.header() == "Bearer t2"


def test_a_token_can_be_asked_for_anew() -> None:
    world = World()
    world.header()
    assert world.header(fresh=True) == "Bearer t2"
    assert world.header() == "Bearer t2"


def test_clients_do_not_share_tokens() -> None:
    world = World()
    world.header()
    narrow = OAuth2Client(CLIENT.token_url, "gw:1", scope="read")
    assert world.header(McpAuth("oauth2", "mcp/secret", narrow)) == "Bearer t2"


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (400, {"error": "invalid_client"}, "token_status_400"),
        (200, b"<html>", "token_malformed"),
        (200, [], "token_malformed"),
        (200, {"token_type": "Bearer"}, "token_malformed"),
        (200, {"access_token": "a\r\nb"}, "token_malformed"),
        (200, {"access_token": "a", "token_type": "mac"}, "token_malformed"),
        (200, {"access_token": "a", "expires_in": -1}, "token_malformed"),
        (200, {"access_token": "a", "expires_in": "soon"}, "token_malformed"),
    ],
)
def test_an_answer_without_a_usable_token_is_a_failure(status: int, body: Any, outcome: str) -> None:
    world = World(FakeIdp(status, body))
    with pytest.raises(UpstreamError) as caught:
        world.header()
    assert caught.value.outcome == outcome


def test_a_token_without_a_life_is_kept_for_a_few_minutes() -> None:
    world = World(FakeIdp(body={"access_token": "a"}))
    world.header()
    world.now = 271.0
    world.header()
    assert len(world.idp.forms) == 2
