"""MCP in gateway.toml: `[deployment.mcp]` turns the routes on, and each `[[mcp_server]]` is one of them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from penstock.configuration.stanza import Stanza
from penstock.mcp import schema
from penstock.sdk import fields
from penstock.sdk.contract import HEADER_VALUE

# As a part of a path that needs no escapes.
ServerName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
ToolPattern = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Method = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_/.-]{0,95}$")]
Origin = Annotated[str, StringConstraints(pattern=r"^(https?://[a-z0-9.-]+(:[0-9]{1,5})?|null)$")]
SecretPlace = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9/_+=.@:-]{1,512}$")]
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_OWN_HEADERS: Final = ("mcp-", "last-event-id")


class McpDeployment(Stanza):
    """With this table, the gateway serves `/mcp/<server>`; without it, these paths do not exist."""

    origins: tuple[Origin, ...] = ()
    """What a browser's `Origin` may be, as `https://app.example.com`. Any other is refused with 403; a
    request without the header is no browser's, and passes."""
    provider_side: Literal["refuse", "allow"] = "refuse"
    """Requests to models that make the provider call MCP servers itself (Anthropic's `mcp_servers`, OpenAI's
    tools of type `mcp`): such calls pass no grant and no rule here. Refused also without this table."""


class OAuth2(Stanza):
    """Where the gateway gets its own token for a server: the client credentials grant (RFC 6749, 4.4)."""

    token_url: str = Field(max_length=512)
    """The authorization server's token endpoint."""
    client_id: str = Field(min_length=1, max_length=256)
    """Who the gateway is there. Its secret is the server's `secret`."""
    scope: str | None = Field(default=None, max_length=512)
    """Scopes to ask for, with spaces between them."""
    resource: str | None = Field(default=None, max_length=512)
    """For whom the token is meant (RFC 8707), as the server's own URL."""
    audience: str | None = Field(default=None, max_length=512)
    """The same for authorization servers that call it so."""
    client_auth: Literal["basic", "post"] = "basic"
    """How id and secret travel: as `Authorization: Basic`, or in the form."""


class McpArgumentRule(Stanza):
    """What the arguments of a call must be."""

    tools: tuple[ToolPattern, ...] = Field(min_length=1)
    """Tools that it is for: names, with `*` for any run of characters."""
    fits: dict[str, Any]
    """A JSON Schema for the arguments. Keywords: those of `penstock.mcp.schema`; others are refused."""

    @field_validator("fits")
    @classmethod
    def _holds(cls, fits: dict[str, Any]) -> dict[str, Any]:
        if found := schema.problem(fits, "fits"):
            raise ValueError(found)
        return fits


class McpServer(Stanza):
    """An MCP server behind the gateway, at `/mcp/<id>`. What is not allowed here or granted is denied."""

    id: ServerName
    """What callers, grants, scopes and evidence call it."""
    url: str = Field(max_length=512)
    """Its MCP endpoint."""
    auth: Literal["none", "bearer", "basic", "oauth2"] = "none"
    """How the gateway shows who it is. The caller's own key never goes there."""
    secret: SecretPlace | None = None
    """Name or ARN in Secrets Manager of the token, of `user:password`, or of the client's secret."""
    oauth2: OAuth2 | None = None
    """For `auth = "oauth2"`."""
    headers: dict[str, str] = Field(default={})
    """Headers that every request to it gets."""
    allowed_tools: tuple[ToolPattern, ...] | None = None
    """Tools that may be seen and called, `*` for any run of characters; every approved one when not given."""
    blocked_tools: tuple[ToolPattern, ...] = ()
    """Tools that may not, whatever else allows them."""
    arguments: tuple[McpArgumentRule, ...] = ()
    """Rules for arguments."""
    pin: Literal["required", "known", "off"] = "required"
    """`required`: only tools that were approved (`penstock mcp approve`) and have not changed since. `known`:
    others too, but no approved one that has changed. `off`: all; then `allowed_tools` must be given."""
    descriptions: Literal["off", "warn", "hide"] = "warn"
    """Tools that nobody approved and whose texts seem to speak to the model: passed, recorded, or hidden."""
    methods: tuple[Method, ...] = ()
    """Methods that may be called besides MCP's own, as those of an extension."""
    listen: bool = False
    """Whether callers may hold a stream open to be told of changes. On Lambda each holds one environment."""
    max_result_bytes: int = Field(default=1_000_000, ge=1024, le=5_500_000)
    """The largest message that it may send."""
    calls_per_minute_per_environment: int | None = Field(default=None, ge=1, le=1_000_000)
    """How many requests one key may make in one environment: with N of them, up to N times as many."""
    connect_timeout_ms: int = Field(default=2_000, ge=100, le=10_000)
    """Milliseconds to open a connection."""
    read_timeout_ms: int = Field(default=60_000, ge=100, le=300_000)
    """Milliseconds between two pieces of an answer."""
    total_timeout_ms: int = Field(default=300_000, ge=100, le=840_000)
    """Milliseconds for the whole answer; under Lambda's 15 minutes."""

    @model_validator(mode="after")
    def _can_be_called_safely(self) -> Self:
        check_url("url", self.url, secret=self.auth != "none")
        if (self.auth == "none") != (self.secret is None):
            raise ValueError('secret: give it with `auth`, and leave it out with auth = "none"')
        if (self.auth == "oauth2") != (self.oauth2 is not None):
            raise ValueError('oauth2: give this table with auth = "oauth2", and with nothing else')
        if self.oauth2 is not None:
            check_url("oauth2.token_url", self.oauth2.token_url, secret=True)
        for name, value in self.headers.items():
            is_own = name.lower() in fields.FORBIDDEN_HEADERS or name.lower().startswith(_OWN_HEADERS)
            if is_own or not HEADER_VALUE.fullmatch(value):
                raise ValueError(f"headers: {name!r} cannot be set here")
        return self

    @model_validator(mode="after")
    def _opens_nothing_by_itself(self) -> Self:
        if self.pin == "off" and self.allowed_tools is None:
            raise ValueError('allowed_tools: with pin = "off" give it, even if it is ["*"]')
        return self


def check_url(key: str, url: str, *, secret: bool) -> None:
    """Raises ValueError for a URL that is none, or over which a secret would travel in the clear."""
    parts = urlsplit(url)
    is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname)
    if not is_whole or parts.username or parts.query or parts.fragment:
        raise ValueError(f"{key}: give https://host/path, without user, query or fragment")
    if parts.scheme == "http" and secret and parts.hostname not in _LOOPBACK:
        raise ValueError(f"{key}: a secret is not sent over plain http; give an https URL")
