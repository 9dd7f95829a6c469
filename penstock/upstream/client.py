"""Sends one request to one provider, over httpx, and maps what goes wrong.

    cannot connect, cannot resolve, TLS            UpstreamError         unreachable
    no answer, or no more of it, in time           UpstreamTimeoutError  timeout
    ended early, or other than its length says     UpstreamError         cut
    a redirect                                     UpstreamError         redirect
    larger than allowed, or undecodable            UpstreamError         too_large, malformed
    a status that no client knows                  UpstreamError         malformed
    a key that no header can carry                 UpstreamError         no_credentials
    a URL or header that cannot be sent            UpstreamError         unsendable

Redirects are not followed: they could lead a provider key elsewhere. Proxy variables are not read, cookies
not kept: they would tie one caller's request to another's. One attempt only: whoever repeats an answered
request pays twice.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, Protocol

import httpx

from penstock.errors import UpstreamError, UpstreamTimeoutError
from penstock.upstream.body import read_bounded
from penstock.upstream.target import Target
from penstock.upstream.transport import BoundedTransport, Countdown

USER_AGENT: Final = "penstock"
# One request at a time per environment, but several providers: enough to keep each connection warm.
_LIMITS: Final = httpx.Limits(max_connections=8, keepalive_expiry=60.0)
_KEY: Final = re.compile(r"[\x21-\x7e]+")


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
        self._clock = clock
        self._countdown = Countdown(clock)
        self._client = httpx.Client(
            transport=transport or BoundedTransport(self._countdown, _LIMITS),
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

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
        self._countdown.ends_at = started + min(seconds, target.total_timeout_ms / 1000)
        try:
            request = self._request(target, path, body, _headers(target, headers, key))
            return self._exchange(request, target, started)
        except (httpx.LocalProtocolError, httpx.InvalidURL, UnicodeError):
            # Without the cause, whose words repeat the header or the URL.
            raise UpstreamError(
                "The request to the upstream cannot be sent: its URL or a header is malformed.",
                outcome="unsendable",
            ) from None
        except httpx.TimeoutException as error:
            raise UpstreamTimeoutError("The upstream did not answer in time.") from error
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            raise UpstreamError("The upstream ended the connection early.", outcome="cut") from error
        except httpx.HTTPError as error:
            raise UpstreamError("The upstream cannot be reached.") from error

    def _request(self, target: Target, path: str, body: bytes, headers: dict[str, str]) -> httpx.Request:
        return self._client.build_request(
            "POST",
            target.url(path),
            params=dict(target.query) or None,
            content=body,
            headers=headers,
            timeout=_timeout(target, self._countdown.ends_at - self._clock()),
        )

    def _exchange(self, request: httpx.Request, target: Target, started: float) -> UpstreamAnswer:
        response = self._client.send(request, stream=True)
        try:
            _check_status(response)
            body = read_bounded(
                response.iter_raw(),
                response.headers.get("content-encoding", "").strip().lower(),
                max_bytes=target.max_response_bytes,
                ends_at=self._countdown.ends_at,
                clock=self._clock,
            )
        finally:
            response.close()
        ms = (self._clock() - started) * 1000
        return UpstreamAnswer(response.status_code, dict(response.headers), body, ms)


def _check_status(response: httpx.Response) -> None:
    if response.is_redirect:
        raise UpstreamError("The upstream answered with a redirect.", outcome="redirect")
    if not 200 <= response.status_code <= 599:  # RFC 9110, section 15: no other final status exists
        raise UpstreamError("The upstream answered with a status that does not exist.", outcome="malformed")


def _headers(target: Target, headers: Mapping[str, str], key: str | None) -> dict[str, str]:
    """Lower-case names throughout, so that the later of two spellings wins."""
    sent = {"user-agent": USER_AGENT}
    sent |= {name.lower(): value for given in (headers, target.headers) for name, value in given.items()}
    sent |= {"content-type": "application/json", "accept": "application/json", "accept-encoding": "identity"}
    if key is not None and target.auth != "none":
        sent |= _credentials(target, key.strip())  # a stored secret often ends with a line break
    return sent


def _credentials(target: Target, key: str) -> dict[str, str]:
    if _KEY.fullmatch(key) is None:
        raise UpstreamError("The upstream's key holds what no header can carry.", outcome="no_credentials")
    return {"authorization": f"Bearer {key}"} if target.auth == "bearer" else {"api-key": key}


def _timeout(target: Target, seconds: float) -> httpx.Timeout:
    """Of single steps; the countdown bounds their sum."""
    connect = min(target.connect_timeout_ms / 1000, seconds)
    read = min(target.read_timeout_ms / 1000, seconds)
    return httpx.Timeout(read, connect=connect, pool=connect)
