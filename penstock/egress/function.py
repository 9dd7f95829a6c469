"""The egress function's side: whose alias was invoked, what is granted to it, and one request sent.

Who asks is told by the ARN that was invoked, which Lambda writes and IAM has let pass; nothing in the event
says it. `Send` is the granted transport of one plugin, the same that checks in library mode.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, Final

import httpx

from penstock.egress.messages import (
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    Failure,
    MalformedError,
    decode_request,
    encode_failure,
    encode_response,
)
from penstock.egress.network import RefusedAddressError
from penstock.errors import FieldNotGrantedError

Granted = Callable[[httpx.BaseTransport, frozenset[str]], httpx.BaseTransport]
"""Puts the checks of granted hosts before a transport: exactly `host:port`, https, bounded sizes."""

RESERVE_S: Final = 1.0  # of the function's time, kept to answer in
ARN_PARTS: Final = 8  # arn:aws:lambda:<region>:<account>:function:<name>:<alias>

log = logging.getLogger(__name__)


class Egress:
    """One environment's. `hosts`: plugin → the `host:port` it may call. `clock` in seconds, monotonic."""

    def __init__(
        self,
        name: str,
        hosts: Mapping[str, frozenset[str]],
        inner: httpx.BaseTransport,
        granted: Granted,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`name`: this function's own; `inner` really sends."""
        self._name = name
        self._hosts = hosts
        self._inner = inner
        self._granted = granted
        self._clock = clock

    def answer(self, event: object, invoked_arn: str, remaining_s: float) -> dict[str, Any]:
        """The answer to one invocation. What a plugin sent is in no log, whatever becomes of it."""
        plugin = self._owner(invoked_arn)
        if plugin is None:
            log.error("this function was invoked by no plugin's alias")
            return encode_failure(Failure.NOT_GRANTED)
        answer = self._sent(event, self._hosts[plugin], remaining_s - RESERVE_S)
        if isinstance(answer, Failure):
            log.warning("nothing was delivered", extra={"plugin": plugin, "decision": answer.value})
            return encode_failure(answer)
        return answer

    def _owner(self, invoked_arn: str) -> str | None:
        """The plugin whose alias was invoked; None for the function itself, a version, another function."""
        parts = invoked_arn.split(":")
        if len(parts) != ARN_PARTS or parts[-2] != self._name or parts[-1] not in self._hosts:
            return None
        return parts[-1]

    def _sent(self, event: object, hosts: frozenset[str], seconds: float) -> dict[str, Any] | Failure:
        try:
            request = decode_request(event)
        except MalformedError:
            return Failure.MALFORMED
        if seconds <= 0:
            return Failure.TIMEOUT
        try:
            response = self._granted(Timed(self._inner, seconds, self._clock), hosts).handle_request(request)
            with closing(response):
                response.read()
            return _bounded(response)
        except FieldNotGrantedError:
            return Failure.NOT_GRANTED
        except RefusedAddressError:
            return Failure.NOT_PUBLIC
        except httpx.TransportError as error:
            return _kind(error)
        except Exception:
            log.exception("a request was not sent")  # which leaves out its text: see evidence/logs
            return Failure.MALFORMED


class Timed(httpx.BaseTransport):
    """Bounds a whole request, whose steps httpx bounds one by one: a host may send a byte at a time."""

    def __init__(self, inner: httpx.BaseTransport, seconds: float, clock: Callable[[], float]) -> None:
        self._inner = inner
        self._seconds = seconds
        self._clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        ends = self._clock() + self._seconds
        steps = request.extensions["timeout"]
        request.extensions["timeout"] = {step: min(wait_s, self._seconds) for step, wait_s in steps.items()}
        response = self._inner.handle_request(request)
        if not isinstance(response.stream, httpx.SyncByteStream):
            raise TypeError("the inner transport is not synchronous")
        response.stream = TimedStream(response.stream, ends, self._clock)
        return response


class TimedStream(httpx.SyncByteStream):
    """A response's body, until its time is up."""

    def __init__(self, inner: httpx.SyncByteStream, ends: float, clock: Callable[[], float]) -> None:
        self._inner = inner
        self._ends = ends
        self._clock = clock

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._inner:
            if self._clock() >= self._ends:
                raise httpx.ReadTimeout("the host takes too long over its answer")
            yield chunk

    def close(self) -> None:
        self._inner.close()


def _bounded(response: httpx.Response) -> dict[str, Any] | Failure:
    headers = response.headers.raw
    size_bytes = sum(len(name) + len(value) for name, value in headers)
    if len(headers) > MAX_HEADERS or size_bytes > MAX_HEADER_BYTES:
        return Failure.TOO_LARGE
    if len(response.content) > MAX_BODY_BYTES:
        return Failure.TOO_LARGE
    return encode_response(response.status_code, headers, response.content)


def _kind(error: httpx.TransportError) -> Failure:
    match error:
        case httpx.TimeoutException():
            return Failure.TIMEOUT
        case httpx.NetworkError():
            return Failure.UNREACHED
        case httpx.LocalProtocolError() | httpx.UnsupportedProtocol():
            return Failure.MALFORMED
        case httpx.ProtocolError() | httpx.ProxyError():
            return Failure.PROTOCOL
    return Failure.TOO_LARGE  # the granted transport's own: sizes, and compression that was not asked for
