"""The egress function's side: whose alias was invoked, what is granted to it, and one request sent.

Who asks is told by the ARN that was invoked, which Lambda writes and IAM has let pass; nothing in the event
says it. `Send` is the granted transport of one plugin, the same that checks in library mode.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Final

import httpx

from penstock.egress.deadline import Deadline
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

Sender = Callable[[Deadline], httpx.BaseTransport]
"""A transport that does all that it does before the deadline, and is closed after one request."""

RESERVE_S: Final = 1.0  # of the function's time, kept to answer in
ARN_PARTS: Final = 8  # arn:aws:lambda:<region>:<account>:function:<name>:<alias>

log = logging.getLogger(__name__)


class Egress:
    """One environment's. `hosts`: plugin → the `host:port` it may call. `clock` in seconds, monotonic."""

    def __init__(
        self,
        name: str,
        hosts: Mapping[str, frozenset[str]],
        sender: Sender,
        granted: Granted,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`name`: this function's own; `sender` gives what really sends, for one request."""
        self._name = name
        self._hosts = hosts
        self._sender = sender
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
            with self._sender(Deadline(seconds, self._clock)) as inner:
                response = self._granted(inner, hosts).handle_request(request)
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
