"""Sends one request to one provider, over httpx, and maps what goes wrong.

    cannot connect, cannot resolve, TLS            UpstreamError         unreachable
    no answer, or no more of it, in time           UpstreamTimeoutError  timeout
    ended early, or other than its length says     UpstreamError         cut
    a redirect                                     UpstreamError         redirect
    larger than allowed, or undecodable            UpstreamError         too_large, malformed

Redirects are not followed: they could lead a provider key elsewhere. Proxy variables are not read. One
attempt only: whoever repeats an answered request pays twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import httpx

from penstock.errors import UpstreamError, UpstreamTimeoutError
from penstock.upstream.body import read_bounded
from penstock.upstream.target import Target

USER_AGENT: Final = "penstock"
# One request at a time per environment, but several providers: enough to keep each connection warm.
_LIMITS: Final = (8, 60.0)


@dataclass(frozen=True, slots=True)
class UpstreamAnswer:
    """What came back: status, headers with lower-case names, and the whole, decompressed body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    ms: float


class Upstream(Protocol):
    """The seam: one method."""

    def post(
        self,
        target: Target,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        key: str | None,
        seconds: float,
    ) -> UpstreamAnswer:
        """Send `body` (JSON) within `seconds`. Raises UpstreamError."""


class HttpUpstream:
    """Upstreams over HTTP. One client per environment, with its connections kept."""

    def __init__(
        self, transport: httpx.BaseTransport | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        connections, keepalive_s = _LIMITS
        self._client = httpx.Client(
            transport=transport,
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=connections, keepalive_expiry=keepalive_s),
        )
        self._clock = clock

    def post(
        self,
        target: Target,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        key: str | None,
        seconds: float,
    ) -> UpstreamAnswer:
        started = self._clock()
        ends_at = started + min(seconds, target.total_timeout_ms / 1000)
        request = self._client.build_request(
            "POST",
            target.url(path),
            params=dict(target.query) or None,
            content=body,
            headers=_headers(target, headers, key),
            timeout=_timeout(target, ends_at - started),
        )
        try:
            return self._exchange(request, target, started, ends_at)
        except httpx.TimeoutException as error:
            raise UpstreamTimeoutError("The upstream did not answer in time.") from error
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            raise UpstreamError("The upstream ended the connection early.", outcome="cut") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UpstreamError("The upstream cannot be reached.") from error

    def _exchange(
        self, request: httpx.Request, target: Target, started: float, ends_at: float
    ) -> UpstreamAnswer:
        response = self._client.send(request, stream=True)
        try:
            if response.is_redirect:
                raise UpstreamError("The upstream answered with a redirect.", outcome="redirect")
            body = read_bounded(
                response.iter_raw(),
                response.headers.get("content-encoding", "").strip().lower(),
                max_bytes=target.max_response_bytes,
                ends_at=ends_at,
                clock=self._clock,
            )
        finally:
            response.close()
        ms = (self._clock() - started) * 1000
        return UpstreamAnswer(response.status_code, dict(response.headers), body, ms)


def _headers(target: Target, headers: Mapping[str, str], key: str | None) -> dict[str, str]:
    sent = {"user-agent": USER_AGENT, **headers, **target.headers}
    sent |= {"content-type": "application/json", "accept": "application/json", "accept-encoding": "identity"}
    if key is not None and target.auth == "bearer":
        sent["authorization"] = f"Bearer {key}"
    elif key is not None and target.auth == "api-key":
        sent["api-key"] = key
    return sent


def _timeout(target: Target, seconds: float) -> httpx.Timeout:
    connect = min(target.connect_timeout_ms / 1000, seconds)
    read = min(target.read_timeout_ms / 1000, seconds)
    return httpx.Timeout(read, connect=connect, pool=connect)
