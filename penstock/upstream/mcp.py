"""Sends one HTTP request to one MCP server, or to an authorization server. What can go wrong: `failures`.

As with providers: no redirect is followed, no cookie kept, no proxy variable read, no header but ours sent.
The one thing that is repeated is a request that was answered with 401, since it was not served.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, Literal, Protocol

import httpx

from penstock.upstream.body import read_bounded
from penstock.upstream.client import USER_AGENT, UpstreamAnswer
from penstock.upstream.failures import check_status, mapped
from penstock.upstream.stream import HttpStream, UpstreamStream
from penstock.upstream.target import Target
from penstock.upstream.transport import BoundedTransport, Countdown

HttpMethod = Literal["POST", "GET", "DELETE"]
# MCP, "Sending Messages": a client lists both.
_ACCEPT: Final = "application/json, text/event-stream"
_LIMITS: Final = httpx.Limits(max_connections=8, keepalive_expiry=60.0)
_MAX_TOKEN_BYTES: Final = 65_536
_TOKEN_SECONDS: Final = 10.0


class McpUpstream(Protocol):
    """The seam to MCP servers."""

    def open(
        self,
        method: HttpMethod,
        target: Target,
        headers: Mapping[str, str],
        body: bytes | None,
        seconds: float,
    ) -> UpstreamStream:
        """Send it; returns when the answer's head has come. `seconds` are for all of the answer.

        One call at a time: the stream must be closed before the next. Raises UpstreamError.
        """

    def post_form(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> UpstreamAnswer:
        """Send a form to an authorization server. Raises UpstreamError."""


class HttpMcpUpstream:
    """MCP servers over HTTP. One client per environment, with its connections kept."""

    def __init__(
        self, transport: httpx.BaseTransport | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._countdown = Countdown(clock)
        self._client = httpx.Client(
            transport=transport or BoundedTransport(self._countdown, _LIMITS),
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    def close(self) -> None:
        """Close what is still open: for who does not live as long as its process."""
        self._client.close()

    def open(
        self,
        method: HttpMethod,
        target: Target,
        headers: Mapping[str, str],
        body: bytes | None,
        seconds: float,
    ) -> UpstreamStream:
        started = self._clock()
        ends_at = self._countdown.ends_at = started + min(seconds, target.total_timeout_ms / 1000)
        with mapped():
            request = self._client.build_request(
                method,
                target.base_url,
                content=body,
                headers=_headers(target, headers, body),
                timeout=_timeout(target, ends_at - started),
            )
            response = self._client.send(request, stream=True)
            try:
                check_status(response)
                return HttpStream(response, target, started=started, ends_at=ends_at, clock=self._clock)
            except BaseException:
                response.close()
                raise

    def post_form(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> UpstreamAnswer:
        started = self._clock()
        ends_at = self._countdown.ends_at = started + _TOKEN_SECONDS
        sent = {
            "user-agent": USER_AGENT,
            "accept": "application/json",
            "accept-encoding": "identity",
            **headers,
        }
        with mapped():
            request = self._client.build_request(
                "POST", url, data=dict(form), headers=sent, timeout=httpx.Timeout(_TOKEN_SECONDS)
            )
            response = self._client.send(request, stream=True)
            try:
                check_status(response)
                body = read_bounded(
                    response.iter_raw(),
                    response.headers.get("content-encoding", ""),
                    max_bytes=_MAX_TOKEN_BYTES,
                    ends_at=ends_at,
                    clock=self._clock,
                )
            finally:
                response.close()
        ms = (self._clock() - started) * 1000
        return UpstreamAnswer(response.status_code, dict(response.headers), body, ms)


def _headers(target: Target, headers: Mapping[str, str], body: bytes | None) -> dict[str, str]:
    """Lower-case names throughout, so that the later of two spellings wins: the operator's."""
    sent = {"user-agent": USER_AGENT}
    sent |= {name.lower(): value for given in (headers, target.headers) for name, value in given.items()}
    sent |= {"accept": _ACCEPT, "accept-encoding": "identity"}
    return sent | ({"content-type": "application/json"} if body is not None else {})


def _timeout(target: Target, seconds: float) -> httpx.Timeout:
    """Of single steps; the countdown bounds their sum."""
    connect = min(target.connect_timeout_ms / 1000, seconds)
    return httpx.Timeout(min(target.read_timeout_ms / 1000, seconds), connect=connect, pool=connect)
