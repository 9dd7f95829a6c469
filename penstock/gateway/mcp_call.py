"""Calls an MCP server and puts every attempt into the account.

headers there    ours, those that repeat the body, the server's own session id, its credentials
headers back     the session id, sealed for the key that opened it; `Allow`, `Retry-After`
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from penstock.dialects.mcp import protocol
from penstock.errors import UpstreamError
from penstock.evidence.record import Name, UpstreamRecord
from penstock.gateway.account import Account
from penstock.gateway.mcp_parts import McpParts
from penstock.gateway.parts import Parts
from penstock.gateway.reply import PASSED_VALUE
from penstock.governance.mcp_access import McpServer
from penstock.mcp.sealing import Sealer
from penstock.upstream.mcp import HttpMethod
from penstock.upstream.stream import UpstreamStream

# What a server says to its client; what it says beyond is about the gateway, or a fault of its own.
PASSED_ON: Final = frozenset({400, 404, 405, 406, 409, 413, 415, 422, 429})
_UNAUTHORIZED: Final = 401
RESERVED: Final = ("mcp-", protocol.EVENT_HEADER)


class McpCall:
    """One HTTP request to one server."""

    def __init__(self, parts: Parts, mcp: McpParts, account: Account, server: McpServer, named: Name) -> None:
        """`named`: what the account calls the attempts: the method, as far as configuration knows it."""
        self._parts = parts
        self._mcp = mcp
        self._account = account
        self._server = server
        self._named = named
        self._attempt = 0
        self._opened_at = 0.0

    @property
    def request_id(self) -> str:
        """Of the caller's request."""
        return self._account.request_id

    def open(
        self, method: HttpMethod, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> UpstreamStream:
        """The answer's head has come. Raises UpstreamError, which stands in the account then."""
        self._account.upstream_called = True
        ends_at = self._parts.clock() + seconds
        stream = self._try(method, headers, body, ends_at, fresh=False)
        if stream.status == _UNAUTHORIZED and self._server.auth.kind != "none":
            self.ended(stream, "status_401")
            stream = self._try(method, headers, body, ends_at, fresh=True)
        if stream.status >= 300 and stream.status not in PASSED_ON:
            self.ended(stream, f"status_{stream.status}")
            outcome = f"status_{stream.status}"
            raise UpstreamError("The MCP server did not serve this request.", outcome=outcome)
        return stream

    @contextmanager
    def accounted(self, stream: UpstreamStream) -> Iterator[None]:
        """While the whole of an answer is read: what it came to, whatever happens."""
        outcome = "answered" if stream.status < 300 else f"status_{stream.status}"
        try:
            yield
        except UpstreamError as error:
            outcome = error.outcome
            raise
        finally:
            self.ended(stream, outcome)

    def ended(self, stream: UpstreamStream, outcome: str) -> None:
        """Close the answer and account for it."""
        stream.close()
        self._attempted(stream.status, outcome)

    def _try(
        self,
        method: HttpMethod,
        headers: Mapping[str, str],
        body: bytes | None,
        ends_at: float,
        *,
        fresh: bool,
    ) -> UpstreamStream:
        self._attempt += 1
        self._opened_at = self._parts.clock()
        try:
            sent = {**headers, **self._mcp.credentials.header(self._server.auth, fresh=fresh)}
            seconds = max(0.1, ends_at - self._parts.clock())
            return self._mcp.upstream.open(method, self._server.target, sent, body, seconds)
        except UpstreamError as error:
            self._attempted(None, error.outcome)
            raise

    def _attempted(self, status: int | None, outcome: str) -> None:
        ms = (self._parts.clock() - self._opened_at) * 1000
        self._account.upstream.append(
            UpstreamRecord(self._attempt, self._server.name, self._named, status, outcome, round(ms, 3))
        )


def sent_headers(plugins: Mapping[str, str], *ours: Mapping[str, str]) -> dict[str, str]:
    """A request's headers to a server. What plugins set is none of the protocol's own."""
    sent = {name: value for name, value in plugins.items() if not name.lower().startswith(RESERVED)}
    for headers in ours:
        sent |= headers
    return sent


def passed_headers(
    stream: UpstreamStream, sealer: Sealer, scope: Sequence[str], *, session: bool
) -> dict[str, str]:
    """The server's headers that go on to the caller. Raises UpstreamError for an id that cannot be sealed."""
    passed = {name: value for name in ("retry-after",) if (value := stream.headers.get(name)) is not None}
    passed = {name: value for name, value in passed.items() if PASSED_VALUE.fullmatch(value)}
    if session and (given := stream.headers.get(protocol.SESSION_HEADER)) is not None:
        token = sealer.seal("session", scope, given)
        if token is None:
            raise UpstreamError("The MCP server's session id is none.", outcome="malformed")
        passed[protocol.SESSION_HEADER] = token
    return passed


def media_type(stream: UpstreamStream) -> str:
    """What the answer says that it is, without parameters."""
    return re.split(r"[;\s]", stream.headers.get("content-type", ""), maxsplit=1)[0].lower()
