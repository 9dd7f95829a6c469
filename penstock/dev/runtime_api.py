"""A stand-in for the Lambda Runtime API, version 2018-06-01, for one environment.

Source: "Using the Lambda runtime API for custom runtimes", AWS Lambda developer guide; the headers of
streamed answers: "Response streaming" there. One server per environment, since its address has no path.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import queue
import re
import socket
import threading
from functools import partial

from penstock.dev.http_server import BodyError, BodyTooLargeError, Connection, Server, json_headers
from penstock.dev.invocation import AbandonedError, Begun, Ended, Exchange, Failed, Invocation, error_payload

# Lambda's quota for a buffered request or response: 6 MB, which it counts as 6,291,556 bytes.
PAYLOAD_LIMIT_BYTES = 6_291_556
ERROR_LIMIT_BYTES = 1024 * 1024
STREAM_LIMIT_BYTES = 200 * 1024 * 1024

TRUNCATED = ("Runtime.TruncatedResponse", "The function ended its response before it was complete.")

_PREFIX = "/2018-06-01/runtime"
_ANSWER = re.compile(rf"{_PREFIX}/invocation/([^/]+)/(response|error)")


class RuntimeApi:
    """What one environment talks to.

    `first_word` is set when it asks for work, or says that it cannot; `waiting` while it waits for work.
    """

    def __init__(self) -> None:
        self.first_word = threading.Event()
        self.waiting = threading.Event()
        self.init_error: bytes | None = None
        self._work: queue.SimpleQueue[Exchange | None] = queue.SimpleQueue()
        self._current: Exchange | None = None
        self._cut_short: Exchange | None = None
        self._relayed_all = threading.Event()
        self._relayed_all.set()
        # An environment may wait for its next invocation for ever.
        self._server = Server(self._serve, idle_timeout_s=None)

    @property
    def address(self) -> str:
        return self._server.address

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._work.put(None)
        self._server.stop()

    def settle(self, within_s: float) -> bool:
        """The process has ended: take in what it had written before, and whether that was done in time."""
        self._work.put(None)
        return self._server.drained(within_s)

    def hand_over(self, exchange: Exchange) -> None:
        """Give the environment its next invocation; it must have answered the one before."""
        self._work.put(exchange)

    def _serve(self, connection: Connection) -> None:
        if connection.path == f"{_PREFIX}/invocation/next":
            self._next(connection)
        elif connection.path == f"{_PREFIX}/init/error":
            self.init_error = _read(connection, ERROR_LIMIT_BYTES)
            self.first_word.set()
            _accept(connection)
        elif match := _ANSWER.fullmatch(connection.path):
            self._take_answer(connection, match[1], match[2])
        else:
            _read(connection, STREAM_LIMIT_BYTES)
            _refuse(connection, 404, "InvalidPath", "the local Runtime API has no such path")

    def _next(self, connection: Connection) -> None:
        # Its last answer, if it gave that up, comes by another connection: who asks again has ended it.
        self._relayed_all.wait()
        if self._cut_short:
            self._cut_short.put(Failed(error_payload(*TRUNCATED)))
            self._cut_short = None
        self.first_word.set()
        self.waiting.set()
        exchange = self._work.get()
        self.waiting.clear()
        if exchange is None:
            connection.close_connection = True
            return
        self._current = exchange
        connection.send(200, _invocation_headers(exchange.invocation), exchange.invocation.event)

    def _take_answer(self, connection: Connection, request_id: str, kind: str) -> None:
        exchange = self._current
        if exchange is None or exchange.invocation.request_id != request_id:
            _read(connection, STREAM_LIMIT_BYTES)
            _refuse(connection, 400, "InvalidRequestID", "no invocation with this id is under way here")
            return
        self._current = None
        if kind == "error":
            exchange.put(Failed(_read(connection, ERROR_LIMIT_BYTES)))
        elif not self._relayed_to_its_end(connection, exchange):
            connection.close_connection = True
            return
        _accept(connection)

    def _relayed_to_its_end(self, connection: Connection, exchange: Exchange) -> bool:
        """Pass the answer on; `False` if that came to an end before the answer did."""
        self._relayed_all.clear()
        try:
            return self._relayed(connection, exchange)
        finally:
            self._relayed_all.set()

    def _relayed(self, connection: Connection, exchange: Exchange) -> bool:
        exchange.on_abandon = partial(_hang_up, connection)
        try:
            end = _relay(connection, exchange)
        except AbandonedError:
            return False
        except (BodyError, OSError):
            # Either the environment is dying, which its watcher tells, or it goes on and asks for work.
            self._cut_short = exchange
            return False
        exchange.on_abandon = None
        exchange.put(end)
        return True


def _invocation_headers(invocation: Invocation) -> list[tuple[str, str]]:
    return [
        ("Content-Type", "application/json"),
        ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
        ("Lambda-Runtime-Deadline-Ms", str(invocation.deadline_ms)),
        ("Lambda-Runtime-Invoked-Function-Arn", invocation.function_arn),
        ("Lambda-Runtime-Trace-Id", invocation.trace_id),
    ]


def _relay(connection: Connection, exchange: Exchange) -> Ended | Failed:
    """Pass the answer on, chunk by chunk as it arrives, and tell how it ends."""
    streaming = connection.headers.get("Lambda-Runtime-Function-Response-Mode", "").lower() == "streaming"
    limit_bytes = STREAM_LIMIT_BYTES if streaming else PAYLOAD_LIMIT_BYTES
    body, size_bytes = connection.body, 0
    exchange.put(Begun(connection.headers.get("Content-Type", "application/json"), streaming))
    for chunk in body:
        size_bytes += len(chunk)
        if size_bytes <= limit_bytes:
            exchange.put(chunk)
    if size_bytes <= limit_bytes:
        return Ended(_trailing_error(body.trailers))
    message = f"The response is larger than {limit_bytes} bytes."
    return Failed(error_payload("Function.ResponseSizeTooLarge", message))


def _hang_up(connection: Connection) -> None:
    with contextlib.suppress(OSError):
        connection.connection.shutdown(socket.SHUT_RDWR)


def _read(connection: Connection, limit_bytes: int) -> bytes:
    try:
        return connection.body.read(limit_bytes)
    except (BodyError, BodyTooLargeError):
        connection.close_connection = True
        return b""


def _accept(connection: Connection) -> None:
    connection.send(202, json_headers(), b'{"status":"OK"}')


def _refuse(connection: Connection, status: int, error_type: str, message: str) -> None:
    connection.send(status, json_headers(), error_payload(error_type, message))


def _trailing_error(trailers: dict[str, str]) -> str | None:
    """What a streamed answer says in its trailers when the function raised after its first byte."""
    if "lambda-runtime-function-error-type" not in trailers:
        return None
    try:
        text = base64.b64decode(trailers.get("lambda-runtime-function-error-body", "")).decode()
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    return text or trailers["lambda-runtime-function-error-type"]
