"""Breaks one call of one invocation, inside the function's process; product code knows nothing of it.

Numbered is what the process asks for: an operation of an AWS client with all its attempts, or an HTTP
request; on a stream also each event that it takes from its upstream, and each write to the Runtime API; and
the line of telemetry. Where it breaks is below all that is the product's own, the retries too
(`seam_places.py`).

    killed_before     SIGKILL before the request leaves, before the event is taken
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
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn

import httpcore
import httpx
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from penstock.gateway import streaming
from penstock.runtime.post import CallerGoneError, StreamPost
from penstock.upstream.wire import Wire

BROKEN = "broken"
# An HTTP request with this header is refused with that status by the receiver (`provider.py`).
REFUSE = "x-fault-refuse"
READ, WRITE, TELEMETRY = "upstream event", "runtime", "stdout telemetry"
# In the place of an event: nothing comes for one and a half times of what the gateway calls silence.
PAUSE = b": pause\n\n"


class Kind(StrEnum):
    KILLED_BEFORE = "killed_before"
    KILLED_COMMITTED = "killed_committed"
    KILLED_AFTER = "killed_after"
    ANSWER_LOST = "answer_lost"
    THROTTLED = "throttled"
    DENIED = "denied"
    SLOW = "slow"


def kinds_of(label: str) -> tuple[Kind, ...]:
    """What can happen to a call: taking what is there, or writing a line, is not throttled."""
    if label == READ:
        return (Kind.KILLED_BEFORE, Kind.ANSWER_LOST, Kind.SLOW)
    if label.startswith(WRITE):
        return (Kind.KILLED_BEFORE, Kind.KILLED_COMMITTED, Kind.ANSWER_LOST)
    if label == TELEMETRY:
        return (Kind.KILLED_BEFORE, Kind.KILLED_COMMITTED, Kind.DENIED)
    return tuple(Kind)


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
        self._events = Events(lambda: streaming.SILENCE_S)
        self._has_written = False

    def api_call(self, original: Any, client: Any, operation: str, parameters: Any) -> Any:
        """One operation of an AWS client."""
        self._service = client.meta.service_model.service_name
        self._current = self._begin(f"{self._service} {operation}")
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
                request.headers[REFUSE] = "429" if kind is Kind.THROTTLED else "403"
        answer: httpx.Response = original(transport, request)
        if kind in {Kind.KILLED_COMMITTED, Kind.KILLED_AFTER, Kind.ANSWER_LOST, Kind.SLOW}:
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

    def upstream_read(self, original: Any, wire: Wire, seconds: float) -> bytes | None:
        """What has come of a streamed answer: one event at a time, however the bytes came."""
        event = self._events.next(seconds, lambda: original(wire, seconds))
        if event is None:
            return None
        match self._begin(READ):
            case Kind.KILLED_BEFORE:
                _die()
            case Kind.ANSWER_LOST:
                raise httpcore.ReadError("the connection broke")
            case Kind.SLOW:
                self._events.pause(float("inf"))
                return None
        return event

    def runtime_write(self, original: Any, post: StreamPost, content: bytes) -> None:
        """Bytes of a streamed answer on their way to the Runtime API."""
        kind = self._begin(f"{WRITE} {self._writing(content)}")
        if kind is Kind.KILLED_BEFORE:
            _die()
        original(post, content)
        if kind is Kind.KILLED_COMMITTED:
            _die()
        if kind is Kind.ANSWER_LOST:
            post._connection.sock.shutdown(socket.SHUT_RDWR)
            raise CallerGoneError

    def _writing(self, content: bytes) -> str:
        what = "end" if content.startswith(b"0\r\n") else "chunk" if self._has_written else "prelude"
        self._has_written = True
        return what

    def telemetry(self, original: Any, *arguments: Any) -> None:
        """A line on standard output."""
        kind = self._begin(TELEMETRY)
        if kind is Kind.KILLED_BEFORE:
            _die()
        if kind is Kind.DENIED:
            raise OSError("standard output is closed")
        original(*arguments)
        if kind is Kind.KILLED_COMMITTED:
            _die()

    def _begin(self, label: str) -> Kind | None:
        self._calls += 1
        self._attempt = 0
        self._write(label)
        fault = self._fault
        if fault is None or self._broken or not self._is_meant(fault.call, label):
            return None
        self._broken = True
        self._write(BROKEN)
        return fault.kind

    def _is_meant(self, call: int | str, label: str) -> bool:
        return self._calls == call if isinstance(call, int) else label.endswith(f" {call}")

    def _write(self, line: str) -> None:
        os.write(self._journal, f"{line}\n".encode())


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("SIGKILL came back")


class Events:
    """What comes of a streamed answer, event by event; silence where a `PAUSE` stands."""

    def __init__(self, silence_s: Callable[[], float]) -> None:
        self._silence_s = silence_s
        self._events: list[bytes] = []
        self._rest = b""
        self._silent_s = 0.0

    def pause(self, seconds: float) -> None:
        self._silent_s = seconds

    def next(self, seconds: float, read: Callable[[], bytes | None]) -> bytes | None:
        """The next event, b"" at the end; None after `seconds`, or when `read` gave it."""
        if self._silent_s <= 0 and self._events[:1] == [PAUSE]:
            self._events.pop(0)
            self.pause(1.5 * self._silence_s())
        if self._silent_s > 0:
            slept_s = max(min(seconds, self._silent_s), 0.001)
            time.sleep(slept_s)
            self._silent_s -= slept_s
            return None
        while not self._events:
            piece = read()
            if piece is None:
                return None
            *events, self._rest = (self._rest + piece).split(b"\n\n")
            self._events = [event + b"\n\n" for event in events]
            if not piece:
                self._events = [self._rest, b""] if self._rest else [b""]
        if self._events[0] == PAUSE:
            return self.next(seconds, read)
        return self._events.pop(0)


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
