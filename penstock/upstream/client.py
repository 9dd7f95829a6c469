"""Sends one request to one provider, over httpx. What can go wrong is in `failures`.

Redirects are not followed: they could lead a provider key elsewhere. Proxy variables are not read, cookies
not kept: they would tie one caller's request to another's. One attempt only: whoever repeats an answered
request pays twice.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, Protocol

import httpx

from penstock.errors import UpstreamError
from penstock.upstream.body import read_bounded
from penstock.upstream.failures import check_status, mapped
from penstock.upstream.stream import EVENT_STREAM, HttpStream, UpstreamStream
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
    """The seam: one request, its answer whole or as it is made."""

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

    def stream(
        self,
        target: Target,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        key: str | None,
        seconds: float,
    ) -> UpstreamStream:
        """Send `body` (JSON); returns when the answer's head has come. `seconds` are for all of the answer.

        One call at a time: the stream must be closed before the next. Raises UpstreamError.
        """


@dataclass(frozen=True, slots=True)
class Sending:
    """A request that is passed on as it came: method, query and media type are the caller's."""

    method: str
    query: Sequence[tuple[str, str]]
    body: bytes


class PassingUpstream(Protocol):
    """The seam for what nobody reads."""

    def send(
        self,
        target: Target,
        path: str,
        sending: Sending,
        headers: Mapping[str, str],
        key: str | None,
        seconds: float,
    ) -> UpstreamStream:
        """Send it; returns when the answer's head has come. Otherwise as `Upstream.stream`."""


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
        started = self._begin(target, seconds)
        with mapped():
            request = self._request(target, path, body, _headers(target, headers, key, "application/json"))
            return self._exchange(request, target, started)

    def stream(
        self,
        target: Target,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        key: str | None,
        seconds: float,
    ) -> UpstreamStream:
        started = self._begin(target, seconds)
        with mapped():
            request = self._request(target, path, body, _headers(target, headers, key, EVENT_STREAM))
            return self._opened(request, target, started)

    def send(
        self,
        target: Target,
        path: str,
        sending: Sending,
        headers: Mapping[str, str],
        key: str | None,
        seconds: float,
    ) -> UpstreamStream:
        started = self._begin(target, seconds)
        with mapped():
            request = self._client.build_request(
                sending.method,
                target.url(path),
                params=[*_others(sending.query, target.query), *target.query.items()] or None,
                content=sending.body or None,
                headers=_as_sent(target, headers, key, {}),
                timeout=_timeout(target, self._countdown.ends_at - self._clock()),
            )
            return self._opened(request, target, started)

    def _opened(self, request: httpx.Request, target: Target, started: float) -> UpstreamStream:
        response = self._client.send(request, stream=True)
        try:
            check_status(response)
            ends_at = self._countdown.ends_at
            return HttpStream(response, target, started=started, ends_at=ends_at, clock=self._clock)
        except BaseException:
            response.close()
            raise

    def _begin(self, target: Target, seconds: float) -> float:
        """Set the countdown; the time that it is now."""
        started = self._clock()
        self._countdown.ends_at = started + min(seconds, target.total_timeout_ms / 1000)
        return started

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
            check_status(response)
            body = read_bounded(
                response.iter_raw(),
                response.headers.get("content-encoding", ""),
                max_bytes=target.max_response_bytes,
                ends_at=self._countdown.ends_at,
                clock=self._clock,
            )
        finally:
            response.close()
        ms = (self._clock() - started) * 1000
        return UpstreamAnswer(response.status_code, dict(response.headers), body, ms)


def _headers(target: Target, headers: Mapping[str, str], key: str | None, accept: str) -> dict[str, str]:
    """Of a request whose body is JSON."""
    return _as_sent(target, headers, key, {"content-type": "application/json", "accept": accept})


def _as_sent(
    target: Target, headers: Mapping[str, str], key: str | None, fixed: Mapping[str, str]
) -> dict[str, str]:
    """Lower-case names throughout, so that the later of two spellings wins; `fixed` wins always."""
    sent = {"user-agent": USER_AGENT, "accept": "*/*"}
    sent |= {name.lower(): value for given in (headers, target.headers) for name, value in given.items()}
    sent |= {**fixed, "accept-encoding": "identity"}
    if key is not None and target.auth != "none":
        sent |= _credentials(target, key.strip())  # a stored secret often ends with a line break
    return sent


def _others(query: Sequence[tuple[str, str]], ours: Mapping[str, str]) -> list[tuple[str, str]]:
    """The caller's part of a query: what the operator has set is not the caller's to say, in any case."""
    taken = {name.casefold() for name in ours}
    return [(name, value) for name, value in query if name.casefold() not in taken]


def _credentials(target: Target, key: str) -> dict[str, str]:
    if _KEY.fullmatch(key) is None:
        raise UpstreamError("The upstream's key holds what no header can carry.", outcome="no_credentials")
    return {"authorization": f"Bearer {key}"} if target.auth == "bearer" else {target.auth: key}


def _timeout(target: Target, seconds: float) -> httpx.Timeout:
    """Of single steps; the countdown bounds their sum."""
    connect = min(target.connect_timeout_ms / 1000, seconds)
    read = min(target.read_timeout_ms / 1000, seconds)
    return httpx.Timeout(read, connect=connect, pool=connect)
