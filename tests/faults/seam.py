"""Breaks one call of one invocation, inside the function's process; product code knows nothing of it.

Numbered is what the process asks for: an operation of an AWS client with all its attempts, or an HTTP
request. botocore's `URLLib3Session.send` and httpx's `HTTPTransport.handle_request` are where it breaks, so
that everything above them, the retries too, is the product's own.

    killed_before     SIGKILL before the request leaves
    killed_committed  the service has done it; SIGKILL before a byte of its answer is looked at
    killed_after      SIGKILL when the answer has been read
    answer_lost       the service has done it, then the connection breaks; a second attempt gets through
    throttled         refused as too much, at every attempt
    denied            refused as not allowed, at every attempt
    slow              the service has done it, and the client's read timeout passes, at every attempt
"""

from __future__ import annotations

import io
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn, Protocol
from unittest.mock import patch

import httpx
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

BROKEN = "broken"


class Kind(StrEnum):
    KILLED_BEFORE = "killed_before"
    KILLED_COMMITTED = "killed_committed"
    KILLED_AFTER = "killed_after"
    ANSWER_LOST = "answer_lost"
    THROTTLED = "throttled"
    DENIED = "denied"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to which call: `call` is its number, from 1, or the first operation of this name."""

    kind: Kind
    call: int | str


class Seam:
    """Counts the calls of one invocation, writes each into `journal` before it is made, and breaks one."""

    def __init__(self, fault: Fault | None, journal: Path) -> None:
        self._fault = fault
        self._journal = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._calls = 0
        self._broken = False
        self._current: Kind | None = None
        self._attempt = 0
        self._service = ""

    def api_call(self, original: Any, client: Any, operation: str, parameters: Any) -> Any:
        """One operation of an AWS client."""
        self._service = client.meta.service_model.service_name
        self._begin(f"{self._service} {operation}")
        try:
            answer = original(client, operation, parameters)
            if self._current is Kind.KILLED_AFTER:
                _die()
            return answer
        finally:
            self._current = None

    def aws_send(self, original: Any, session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        """One attempt of it."""
        self._attempt += 1
        match self._current:
            case Kind.KILLED_BEFORE:
                _die()
            case Kind.THROTTLED | Kind.DENIED as kind:
                return refusal(self._service, kind, request.url)
        answer: AWSResponse = original(session, request)
        match self._current:
            case Kind.KILLED_COMMITTED:
                _die()
            case Kind.ANSWER_LOST if self._attempt == 1:
                raise ConnectionClosedError(endpoint_url=request.url)
            case Kind.SLOW:
                # At once: three seconds of waiting, twice, would show nothing that the error does not.
                raise ReadTimeoutError(endpoint_url=request.url)
        return answer

    def http_send(
        self, original: Any, transport: httpx.HTTPTransport, request: httpx.Request
    ) -> httpx.Response:
        """One HTTP request."""
        kind = self._begin(f"http {request.method} {request.url.path}")
        match kind:
            case Kind.KILLED_BEFORE:
                _die()
            case Kind.THROTTLED | Kind.DENIED:
                status = 429 if kind is Kind.THROTTLED else 403
                return httpx.Response(status, stream=httpx.ByteStream(b'{"error": {"message": "no"}}'))
        answer: httpx.Response = original(transport, request)
        if kind is not None:
            self._after_http(kind, answer, request)
        return answer

    def _after_http(self, kind: Kind, answer: httpx.Response, request: httpx.Request) -> None:
        if kind is Kind.KILLED_AFTER:
            answer.read()
        if kind in {Kind.KILLED_AFTER, Kind.KILLED_COMMITTED}:
            _die()
        answer.close()
        if kind is Kind.SLOW:
            time.sleep(request.extensions["timeout"]["read"])
            raise httpx.ReadTimeout("the answer came too late", request=request)
        raise httpx.ReadError("the connection broke", request=request)

    def _begin(self, label: str) -> Kind | None:
        self._calls += 1
        self._attempt = 0
        self._write(label)
        fault = self._fault
        if fault is None or self._broken or not self._is_meant(fault.call, label):
            return None
        self._broken = True
        self._write(BROKEN)
        self._current = fault.kind if not label.startswith("http ") else None
        return fault.kind

    def _is_meant(self, call: int | str, label: str) -> bool:
        return self._calls == call if isinstance(call, int) else label.endswith(f" {call}")

    def _write(self, line: str) -> None:
        os.write(self._journal, f"{line}\n".encode())


class Switch(Protocol):
    """Where the seam of the invocation under way is; None in one that is not counted."""

    seam: Seam | None


def install(switch: Switch) -> None:
    """Put the seam under every client of this process, once."""
    api_call, aws_send = BaseClient._make_api_call, URLLib3Session.send  # type: ignore[attr-defined]  # botocore's own, unstubbed
    http_send = httpx.HTTPTransport.handle_request

    def counted_call(client: Any, operation: str, parameters: Any) -> Any:
        if switch.seam is None:
            return api_call(client, operation, parameters)
        return switch.seam.api_call(api_call, client, operation, parameters)

    def counted_send(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        if switch.seam is None:
            return aws_send(session, request)
        return switch.seam.aws_send(aws_send, session, request)

    def counted_http(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        if switch.seam is None:
            return http_send(transport, request)
        return switch.seam.http_send(http_send, transport, request)

    patch.object(BaseClient, "_make_api_call", counted_call).start()
    patch.object(URLLib3Session, "send", counted_send).start()
    patch.object(httpx.HTTPTransport, "handle_request", counted_http).start()


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("SIGKILL came back")


class _Raw(io.BytesIO):
    """What an AWSResponse reads its body from."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


# As the services word it (API references: "Common errors"; S3: "Error responses").
_JSON_CODES = {
    Kind.THROTTLED: {"sqs": (400, "RequestThrottled")},
    Kind.DENIED: {"sqs": (403, "AccessDenied")},
}
_JSON_DEFAULTS = {Kind.THROTTLED: (400, "ThrottlingException"), Kind.DENIED: (400, "AccessDeniedException")}
_XML_CODES = {Kind.THROTTLED: (503, "SlowDown"), Kind.DENIED: (403, "AccessDenied")}


def refusal(service: str, kind: Kind, url: str) -> AWSResponse:
    """The error with which a service refuses a call."""
    if service == "s3":
        status, code = _XML_CODES[kind]
        body = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
    else:
        status, code = _JSON_CODES[kind].get(service, _JSON_DEFAULTS[kind])
        body = json.dumps({"__type": code, "message": "no"})
    return AWSResponse(url, status, HTTPHeaders(), _Raw(body.encode()))
