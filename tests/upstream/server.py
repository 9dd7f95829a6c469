"""A provider on a loopback socket that answers byte for byte as it is told."""

from __future__ import annotations

import contextlib
import functools
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from penstock.upstream.client import HttpUpstream
from penstock.upstream.target import Target

KEY = "sk-canary-1f5e7d"
OK = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"ok":true}'
DRIP_S = 0.02


@functools.cache
def shared_upstream() -> HttpUpstream:
    """One client for all tests, as an environment has one for all requests; making one costs 0.1 s."""
    return HttpUpstream()


class Peer:
    """One accepted connection, seen from the server."""

    def __init__(self, sock: socket.socket, requests: list[bytes]) -> None:
        self._sock = sock
        self._requests = requests

    def request(self) -> bytes:
        """One whole request, kept in the server's list; empty when the client has gone."""
        data = b""
        while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < _length(data):
            piece = self._sock.recv(65_536)
            if not piece:
                return b""
            data += piece
        self._requests.append(data)
        return data

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def drip(self, data: Iterator[bytes]) -> None:
        """Piece after piece, until the client has gone."""
        for piece in data:
            self.send(piece)
            if self.gone(DRIP_S):
                return

    def take(self, size_bytes: int) -> bytes:
        """Some of what the client sends; empty when it has gone."""
        return self._sock.recv(size_bytes)

    def gone(self, seconds: float) -> bool:
        """Whether the client hangs up within `seconds`."""
        self._sock.settimeout(seconds)
        try:
            return not self._sock.recv(1)
        except TimeoutError:
            return False

    def reset(self) -> None:
        """Hang up with RST instead of FIN."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


Behaviour = Callable[[Peer], None]


def answering(*answers: bytes) -> Behaviour:
    """One answer for each request on the connection."""

    def behave(peer: Peer) -> None:
        for answer in answers:
            if not peer.request():
                return
            peer.send(answer)

    return behave


def body_of(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole answer with its true length."""
    lines = [b"HTTP/1.1 " + status, *headers, b"content-length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class Server:
    """Meets each connection with the next behaviour, and every one after the last with the last."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self._behaviours = behaviours
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.requests: list[bytes] = []
        self.connections = 0

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def target(self, **more: object) -> Target:
        """This server as a provider; every time short, so that what hangs fails soon."""
        times = {"connect_timeout_ms": 2_000, "read_timeout_ms": 5_000, "total_timeout_ms": 20_000}
        return Target("fake", f"http://127.0.0.1:{self.port}/v1", **{**times, **more})  # type: ignore[arg-type]  # a test's own words

    def __enter__(self) -> Self:
        self._listener.settimeout(0.05)
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=20)
        self._listener.close()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                sock, _ = self._listener.accept()
            except TimeoutError:
                continue
            behaviour = self._behaviours[min(self.connections, len(self._behaviours) - 1)]
            self.connections += 1
            self._start(lambda sock=sock, behaviour=behaviour: self._meet(sock, behaviour))  # type: ignore[misc]  # bound now

    def _meet(self, sock: socket.socket, behaviour: Behaviour) -> None:
        sock.settimeout(10)
        with sock, contextlib.suppress(OSError):
            behaviour(Peer(sock, self.requests))


def _length(data: bytes) -> int:
    found = re.search(rb"content-length: *(\d+)", data, re.IGNORECASE)
    return int(found[1]) if found else 0
