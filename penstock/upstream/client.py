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
from urllib.parse import quote, urlencode

import httpx

from penstock.adapters.signing import Signer
from penstock.errors import ConfigurationError, StorageError, UpstreamError
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
        self,
        transport: httpx.BaseTransport | None = None,
        *,
        signer: Signer | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`signer`: for providers with `auth = "aws"`."""
        self._signer = signer
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
                _url(target, path, sending.query),
                content=sending.body or None,
                headers=_as_sent(target, headers, key, {}),
                timeout=_timeout(target, self._countdown.ends_at - self._clock()),
            )
            self._sign(request, target)
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
        request = self._client.build_request(
            "POST",
            _url(target, path, ()),
            content=body,
            headers=headers,
            timeout=_timeout(target, self._countdown.ends_at - self._clock()),
        )
        self._sign(request, target)
        return request

    def _sign(self, request: httpx.Request, target: Target) -> None:
        """Last of all: nothing of what was signed may change any more."""
        if target.auth != "aws":
            return
        if self._signer is None or target.aws_service is None or target.aws_region is None:
            raise _unsigned()
        try:
            signature = self._signer.sign(
                target.aws_service,
                target.aws_region,
                request.method,
                str(request.url),
                dict(request.headers),
                request.content,
            )
        except (StorageError, ConfigurationError) as error:
            raise _unsigned() from error
        request.headers.update(signature)

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
    if key is not None and target.auth not in {"none", "aws"}:
        sent |= _credentials(target, key.strip())  # a stored secret often ends with a line break
    return sent


def _url(target: Target, path: str, query: Sequence[tuple[str, str]]) -> str:
    """With a caller's `query`, but for what the operator has set: that is not the caller's to say.

    A space is %20: signers and servers do not agree about what a plus sign stands for.
    """
    taken = {name.casefold() for name in target.query}
    pairs = [*((name, value) for name, value in query if name.casefold() not in taken), *target.query.items()]
    return target.url(path) + (f"?{urlencode(pairs, quote_via=quote, safe='')}" if pairs else "")


def _credentials(target: Target, key: str) -> dict[str, str]:
    if _KEY.fullmatch(key) is None:
        raise UpstreamError("The upstream's key holds what no header can carry.", outcome="no_credentials")
    return {"authorization": f"Bearer {key}"} if target.auth == "bearer" else {target.auth: key}


def _unsigned() -> UpstreamError:
    message = "The request to the upstream cannot be signed: no AWS credentials are at hand."
    return UpstreamError(message, outcome="no_credentials")


def _timeout(target: Target, seconds: float) -> httpx.Timeout:
    """Of single steps; the countdown bounds their sum."""
    connect = min(target.connect_timeout_ms / 1000, seconds)
    read = min(target.read_timeout_ms / 1000, seconds)
    return httpx.Timeout(read, connect=connect, pool=connect)
