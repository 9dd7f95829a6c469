"""A stand-in for the Lambda Runtime API, version 2018-06-01, for one environment.

Source: "Using the Lambda runtime API for custom runtimes", AWS Lambda developer guide; the streaming headers are in the
design's facts of the platform. One server per environment, since the address is `host:port` and carries no path.
"""

from __future__ import annotations

import base64
import binascii
import queue
import re
import threading
from typing import ClassVar

from penstock.dev.http_server import Body, BodyError, BodyTooLargeError, Handler, Server, json_headers
from penstock.dev.invocation import Begun, Ended, Exchange, Failed, error_payload

# Lambda's quota for a buffered request or response: 6 MB, which it counts as 6,291,556 bytes.
PAYLOAD_LIMIT_BYTES = 6_291_556
ERROR_LIMIT_BYTES = 1024 * 1024
STREAM_LIMIT_BYTES = 200 * 1024 * 1024

_PREFIX = "/2018-06-01/runtime"
_ANSWER = re.compile(rf"{_PREFIX}/invocation/([^/]+)/(response|error)")


class RuntimeApi:
    """What one environment talks to. `first_word` is set when it asks for work, or says that it cannot."""

    def __init__(self) -> None:
        self.first_word = threading.Event()
        self.init_error: bytes | None = None
        self._work: queue.SimpleQueue[Exchange | None] = queue.SimpleQueue()
        self._current: Exchange | None = None
        self._server = Server(_bound_handler(self))

    @property
    def address(self) -> str:
        return self._server.address

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._work.put(None)
        self._server.stop()

    def hand_over(self, exchange: Exchange) -> None:
        """Give the environment its next invocation; it must have answered the one before."""
        self._work.put(exchange)

    def next_exchange(self) -> Exchange | None:
        self.first_word.set()
        self._current = self._work.get()
        return self._current

    def exchange_of(self, request_id: str) -> Exchange | None:
        """The exchange under way if it has this id, once: a second answer to it finds none."""
        current = self._current
        if current is None or current.invocation.request_id != request_id:
            return None
        self._current = None
        return current

    def fail_init(self, payload: bytes) -> None:
        self.init_error = payload
        self.first_word.set()


def _bound_handler(runtime_api: RuntimeApi) -> type[Handler]:
    class Bound(_RuntimeApiHandler):
        api = runtime_api

    return Bound


class _RuntimeApiHandler(Handler):
    api: ClassVar[RuntimeApi]
    timeout = None  # type: ignore[assignment]  # an environment may wait for its next invocation for ever

    def serve(self) -> None:
        if self.path == f"{_PREFIX}/invocation/next":
            self._next()
        elif self.path == f"{_PREFIX}/init/error":
            self.api.fail_init(self._read(ERROR_LIMIT_BYTES))
            self._accept()
        elif match := _ANSWER.fullmatch(self.path):
            self._answer(match[1], match[2])
        else:
            self._refuse(404, "InvalidPath", "the Runtime API of the local gateway has no such path")

    def _next(self) -> None:
        exchange = self.api.next_exchange()
        if exchange is None:
            self.close_connection = True
            return
        invocation = exchange.invocation
        headers = [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(invocation.deadline_ms)),
            ("Lambda-Runtime-Invoked-Function-Arn", invocation.function_arn),
            ("Lambda-Runtime-Trace-Id", invocation.trace_id),
        ]
        self.send(200, headers, invocation.event)

    def _answer(self, request_id: str, kind: str) -> None:
        exchange = self.api.exchange_of(request_id)
        if exchange is None:
            self._read(STREAM_LIMIT_BYTES)
            self._refuse(400, "InvalidRequestID", "no invocation with this id is under way here")
        elif kind == "error":
            exchange.put(Failed(self._read(ERROR_LIMIT_BYTES)))
            self._accept()
        else:
            self._relay(exchange)

    def _relay(self, exchange: Exchange) -> None:
        """Pass the answer on, chunk by chunk as it arrives: a streamed one differs in nothing but its chunks."""
        streaming = self.headers.get("Lambda-Runtime-Function-Response-Mode", "").lower() == "streaming"
        left = STREAM_LIMIT_BYTES if streaming else PAYLOAD_LIMIT_BYTES
        body = Body(self.headers, self.rfile)
        exchange.put(Begun(self.headers.get("Content-Type", "application/json"), streaming))
        for chunk in body:
            left -= len(chunk)
            if left >= 0:
                exchange.put(chunk)
        if left < 0:
            exchange.put(Failed(_too_large(streaming)))
            self._refuse(413, "Function.ResponseSizeTooLarge", "the response is too large")
        else:
            exchange.put(Ended(_trailing_error(body.trailers)))
            self._accept()

    def _read(self, limit_bytes: int) -> bytes:
        try:
            return Body(self.headers, self.rfile).read(limit_bytes)
        except (BodyError, BodyTooLargeError):
            self.close_connection = True
            return b""

    def _accept(self) -> None:
        self.send(202, json_headers(), b'{"status":"OK"}')

    def _refuse(self, status: int, error_type: str, message: str) -> None:
        self.send(status, json_headers(), error_payload(error_type, message))


def _too_large(streaming: bool) -> bytes:
    limit_bytes = STREAM_LIMIT_BYTES if streaming else PAYLOAD_LIMIT_BYTES
    return error_payload("Function.ResponseSizeTooLarge", f"The response is larger than {limit_bytes} bytes.")


def _trailing_error(trailers: dict[str, str]) -> str | None:
    """What a streamed answer says in its trailers when the function raised after its first byte."""
    if "lambda-runtime-function-error-type" not in trailers:
        return None
    try:
        text = base64.b64decode(trailers.get("lambda-runtime-function-error-body", "")).decode()
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    return text or trailers["lambda-runtime-function-error-type"]
