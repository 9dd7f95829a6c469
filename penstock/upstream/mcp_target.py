"""How the gateway shows an MCP server who it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

McpAuthKind = Literal["none", "bearer", "basic", "oauth2"]


@dataclass(frozen=True, slots=True)
class OAuth2Client:
    """A client of an authorization server. `client_auth`: id and secret travel as Basic, or in the form."""

    token_url: str
    client_id: str
    scope: str | None = None
    resource: str | None = None
    audience: str | None = None
    client_auth: Literal["basic", "post"] = "basic"


@dataclass(frozen=True, slots=True)
class McpAuth:
    """`secret`: the name in Secrets Manager of a token, of `user:password`, or of the client's secret."""

    kind: McpAuthKind = "none"
    secret: str | None = None
    oauth2: OAuth2Client | None = None
