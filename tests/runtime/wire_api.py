"""A Runtime API that keeps every byte of what it is sent."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from typing import BinaryIO

INVOCATION_HEADERS = (
    b"Content-Type: application/json\r\n"
    b"Lambda-Runtime-Aws-Request-Id: id-1\r\n"
    b"Lambda-Runtime-Deadline-Ms: 99999999999999\r\n"
    b"Lambda-Runtime-Invoked-Function-Arn: arn\r\n"
    b"Lambda-Runtime-Trace-Id: Root=1-2-3\r\n"
    b"Lambda-Runtime-Invocation-Id: invocation-1\r\n"
)


class WireApi:
    """`events` are given out one by one; `requests` are the POSTs as they came. `paths`: everything asked."""

    def __init__(self, *events: bytes, answer: bytes = b"202 Accepted") -> None:
        self.requests: queue.Queue[bytes] = queue.Queue()
        self.paths: list[str] = []
        self._events = list(events)
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._ended = threading.Event()
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._threads[0].start()

    def stop(self) -> None:
        self._ended.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._threads[0].join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        # The process at the other end may be killed at any time.
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
            while head := _head(stream):
                self._answer_to(head, connection, stream)

    def _answer_to(self, head: bytes, connection: socket.socket, stream: BinaryIO) -> None:
        method, path, _ = head.decode().split(" ", 2)
        self.paths.append(path)
        if method == "POST":
            self.requests.put(head + _body(head, stream))
            connection.sendall(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % self._answer)
        elif path.endswith("/restore/next"):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        elif self._events:
            event = self._events.pop(0)
            length = b"Content-Length: %d\r\n\r\n" % len(event)
            connection.sendall(b"HTTP/1.1 200 OK\r\n" + INVOCATION_HEADERS + length + event)
        else:
            self._ended.wait()


def _head(stream: BinaryIO) -> bytes:
    return _until_blank_line(stream)


def _body(head: bytes, stream: BinaryIO) -> bytes:
    if b"transfer-encoding: chunked" in head.lower():
        return _chunked(stream)
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return stream.read(int(lengths[0].partition(b":")[2])) if lengths else b""


def _chunked(stream: BinaryIO) -> bytes:
    body = b""
    while size := int(line := stream.readline(), 16):
        body += line + stream.read(size + 2)
    return body + line + _until_blank_line(stream)


def _until_blank_line(stream: BinaryIO) -> bytes:
    lines = b""
    while line := stream.readline():
        lines += line
        if line == b"\r\n":
            break
    return lines
