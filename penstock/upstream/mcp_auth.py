"""What the gateway shows an MCP server instead of the caller's key, which never goes there.

    none      nothing
    bearer    Authorization: Bearer <secret>
    basic     Authorization: Basic base64(<secret>), which is `user:password`       RFC 7617
    oauth2    Authorization: Bearer <token>, from the token endpoint                RFC 6749, 4.4

A token is kept until shortly before it expires. When a server answers 401, secret and token are read anew,
once: somebody may have changed them a moment ago.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from penstock.adapters.secrets import Secrets
from penstock.errors import ConfigurationError, StorageError, UpstreamError
from penstock.upstream.mcp import McpUpstream
from penstock.upstream.mcp_target import McpAuth, OAuth2Client

# Kept back of a token's life: clocks differ, and the call itself takes its time.
EARLY_S: Final = 30.0
UNSAID_LIFE_S: Final = 300.0  # RFC 6749, 5.1: without `expires_in` the life is whatever was agreed elsewhere
LONGEST_LIFE_S: Final = 3_600.0
MAX_TOKENS: Final = 256
_VALUE: Final = re.compile(r"[\x21-\x7e]{1,8192}")


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    until: float


class McpCredentials:
    """Makes `Authorization` for MCP servers. One instance per environment."""

    def __init__(
        self, secrets: Secrets, upstream: McpUpstream, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._secrets = secrets
        self._upstream = upstream
        self._clock = clock
        self._tokens: dict[tuple[str, OAuth2Client], _Token] = {}

    def header(self, auth: McpAuth, *, fresh: bool = False) -> dict[str, str]:
        """The header for a server, or none. Raises UpstreamError `no_credentials`, or what a call raises."""
        if auth.kind == "none" or auth.secret is None:
            return {}
        if auth.kind == "oauth2" and auth.oauth2 is not None:
            return {"authorization": f"Bearer {self._token(auth.secret, auth.oauth2, fresh=fresh)}"}
        secret = self._secret(auth.secret, fresh=fresh)
        if auth.kind == "basic":
            return {"authorization": _basic(secret)}
        if _VALUE.fullmatch(secret) is None:
            raise _unusable()
        return {"authorization": f"Bearer {secret}"}

    def _secret(self, name: str, *, fresh: bool) -> str:
        try:
            return self._secrets.get(
                name, fresh=fresh
            ).strip()  # a stored secret often ends with a line break
        except (StorageError, ConfigurationError) as error:
            raise _unusable() from error

    def _token(self, name: str, client: OAuth2Client, *, fresh: bool) -> str:
        known = self._tokens.get((name, client))
        if known is not None and not fresh and self._clock() < known.until:
            return known.value
        self._tokens.pop((name, client), None)
        value, life_s = self._fetched(self._secret(name, fresh=fresh), client)
        if len(self._tokens) >= MAX_TOKENS:
            self._tokens.clear()
        self._tokens[name, client] = _Token(value, self._clock() + life_s - min(EARLY_S, life_s / 2))
        return value

    def _fetched(self, secret: str, client: OAuth2Client) -> tuple[str, float]:
        """A new token and its life in seconds."""
        wanted = {"scope": client.scope, "resource": client.resource, "audience": client.audience}
        form = {"grant_type": "client_credentials", **{k: v for k, v in wanted.items() if v is not None}}
        headers: dict[str, str] = {}
        if client.client_auth == "basic":
            # RFC 6749, 2.3.1: both are form-encoded before they are put together.
            headers["authorization"] = _basic(f"{quote(client.client_id, safe='')}:{quote(secret, safe='')}")
        else:
            form |= {"client_id": client.client_id, "client_secret": secret}
        answer = self._upstream.post_form(client.token_url, form, headers)
        if answer.status != 200:
            raise _no_token(f"token_status_{answer.status}")
        return _token_in(answer.body)


def _token_in(body: bytes) -> tuple[str, float]:
    try:
        tree: Any = json.loads(body)
        value, kind = tree["access_token"], tree.get("token_type", "bearer")
        life_s = tree.get("expires_in", UNSAID_LIFE_S)
        life_s = float(life_s)  # some send it as a string
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _no_token("token_malformed") from None
    is_usable = isinstance(value, str) and _VALUE.fullmatch(value) and str(kind).lower() == "bearer"
    if not is_usable or not life_s > 0:
        raise _no_token("token_malformed")
    return value, min(life_s, LONGEST_LIFE_S)


def _basic(pair: str) -> str:
    if ":" not in pair:
        raise _unusable()
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _unusable() -> UpstreamError:
    return UpstreamError("The credentials for the MCP server cannot be used.", outcome="no_credentials")


def _no_token(outcome: str) -> UpstreamError:
    return UpstreamError("The authorization server gave no token for the MCP server.", outcome=outcome)
