"""One streamed answer on its way to the Runtime API.

Source: "Implementing response streaming in a custom runtime", AWS Lambda developer guide. Written by hand
over `http.client`, which knows chunks but no trailers.
"""

from __future__ import annotations

import base64
import http.client
import json
import select
import signal
import socket
import threading
from collections.abc import Callable

from penstock.runtime.breakage import Breakage
from penstock.runtime.streaming import CONTENT_TYPE

ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
ERROR_BODY = "Lambda-Runtime-Function-Error-Body"
# The Runtime API's word at the end; it may still be passing on what it holds.
LEAST_WAIT_S = 1.0


class CallerGoneError(Exception):
    """Nobody takes the answer any more: the Runtime API has closed the connection, or does not read."""


class StreamPost:
    """The POST of an answer: `begin`, `send` for each chunk, then `finish` or `break_off`; `close` at last.

    Each raises CallerGoneError. `left_s` tells for how long a send may wait for a reader.
    """

    def __init__(self, address: str, left_s: Callable[[], float]) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=max(left_s(), LEAST_WAIT_S))
        self._left_s = left_s
        self._watch: _Watch | None = None

    def begin(
        self,
        invoke_id: str,
        invocation_id: str | None,
        prelude: bytes,
        on_gone: Callable[[], None] | None = None,
    ) -> None:
        connection = self._connection
        path = f"/2018-06-01/runtime/invocation/{invoke_id}/response"
        connection.putrequest("POST", path, skip_accept_encoding=True)
        for name, value in _headers(invocation_id):
            connection.putheader(name, value)
        try:
            connection.endheaders()
        except OSError as error:
            raise CallerGoneError from error
        self.send(prelude)
        if on_gone:
            self._watch = _Watch(connection.sock, on_gone)

    def send(self, chunk: bytes) -> None:
        """Send it as one chunk. An empty one, which would end the body, only looks if anybody is there."""
        if _readable(self._connection.sock):
            raise CallerGoneError
        if chunk:
            self._write(b"%x\r\n%b\r\n" % (len(chunk), chunk))

    def finish(self) -> int:
        """End the answer; the Runtime API's status: 202 when it took it."""
        return self._end(b"0\r\n\r\n")

    def break_off(self, breakage: Breakage) -> int:
        """End the answer as a broken one."""
        body = base64.b64encode(json.dumps(breakage.error_object()).encode()).decode()
        trailers = f"{ERROR_TYPE}: {breakage.error_type}\r\n{ERROR_BODY}: {body}\r\n"
        return self._end(b"0\r\n" + trailers.encode() + b"\r\n")

    @property
    def gone(self) -> bool:
        """Whether the caller was seen to go while a chunk was waited for."""
        return self._watch is not None and self._watch.seen

    def stop_watching(self) -> None:
        """No `on_gone` after this."""
        if self._watch:
            self._watch.stop()

    def close(self) -> None:
        self.stop_watching()
        self._connection.close()

    def _end(self, ending: bytes) -> int:
        self.stop_watching()
        self._write(ending)
        try:
            self._connection.sock.settimeout(max(self._left_s(), LEAST_WAIT_S))
            response = self._connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            raise CallerGoneError from error
        return response.status

    def _write(self, data: bytes) -> None:
        try:
            # Zero: what does not wait may still go.
            self._connection.sock.settimeout(max(self._left_s(), 0.0))
            self._connection.sock.sendall(data)
        except OSError as error:
            raise CallerGoneError from error


class _Watch:
    """A thread that sees the connection's end while the main thread waits for something else."""

    def __init__(self, connection: socket.socket, on_gone: Callable[[], None]) -> None:
        self._connection = connection
        self._on_gone = on_gone
        self._wake, self._woken = socket.socketpair()
        self._thread: threading.Thread | None = threading.Thread(target=self._run, name="watch", daemon=True)
        self.seen = False
        self._thread.start()

    def stop(self) -> None:
        thread, self._thread = self._thread, None
        if thread:
            self._wake.close()
            thread.join()
            self._woken.close()

    def _run(self) -> None:
        # A signal that were delivered here would not wake the main thread, where plugins run under a timer.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        ready, _, _ = select.select([self._connection, self._woken], [], [])
        if self._woken not in ready:
            self.seen = True
            self._on_gone()


def _headers(invocation_id: str | None) -> list[tuple[str, str]]:
    headers = [
        ("Content-Type", CONTENT_TYPE),
        ("Lambda-Runtime-Function-Response-Mode", "streaming"),
        ("Transfer-Encoding", "chunked"),
        ("Trailer", f"{ERROR_TYPE}, {ERROR_BODY}"),
    ]
    return headers + ([("Lambda-Runtime-Invocation-Id", invocation_id)] if invocation_id else [])


def _readable(connection: socket.socket) -> bool:
    """Whether the Runtime API has closed the connection, or answered before the end: either means no more."""
    return bool(select.select([connection], [], [], 0)[0])
