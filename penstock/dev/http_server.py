"""What the local HTTP servers share: a thread per connection, keep-alive, bodies as they arrive."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Protocol

PIECE_BYTES = 64 * 1024
LONGEST_LINE_BYTES = 64 * 1024
# `int` takes more than RFC 9112 does (signs, underscores, 0x), and raises on thousands of digits.
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")


class BodyError(Exception):
    """The body is not framed as RFC 9112, sections 6 and 7, demands; the connection is of no more use."""


class BodyTooLargeError(Exception):
    """The body has more bytes than the reader wants."""


class Readable(Protocol):
    """The part of a socket's file that is needed here."""

    def read(self, size: int = ..., /) -> bytes: ...
    def readline(self, size: int = ..., /) -> bytes: ...


class Headers(Protocol):
    """The part of `http.client.HTTPMessage` that is needed here."""

    def get_all(self, name: str, /) -> list[str] | None: ...


class Body:
    """A request's body, piece by piece. `trailers` is filled when the last piece has been read."""

    def __init__(self, headers: Headers, stream: Readable) -> None:
        self._stream = stream
        self._codings = [value.strip().lower() for value in headers.get_all("transfer-encoding") or []]
        self._lengths = {value.strip() for value in headers.get_all("content-length") or []}
        self._pieces = self._chunked() if self._codings else self._counted()
        self.trailers: dict[str, str] = {}

    def __iter__(self) -> Iterator[bytes]:
        """What has not been read yet."""
        return self._pieces

    def read(self, limit_bytes: int) -> bytes:
        """The whole body.

        Raises:
            BodyTooLargeError: before more than `limit_bytes` were kept.
            BodyError: the framing is wrong, or the connection ended too early.
        """
        pieces: list[bytes] = []
        left = limit_bytes
        for piece in self:
            left -= len(piece)
            if left < 0:
                raise BodyTooLargeError
            pieces.append(piece)
        return b"".join(pieces)

    def _counted(self) -> Iterator[bytes]:
        left = self._declared_length()
        while left:
            piece = self._exactly(min(left, PIECE_BYTES))
            left -= len(piece)
            yield piece

    def _declared_length(self) -> int:
        if not self._lengths:
            return 0
        text = self._lengths.pop()
        if self._lengths or not _LENGTH.fullmatch(text):
            raise BodyError("Content-Length is not one number")
        return int(text)

    def _chunked(self) -> Iterator[bytes]:
        if self._codings != ["chunked"] or self._lengths:
            raise BodyError("Transfer-Encoding is not chunked alone, or Content-Length stands beside it")
        while size := self._chunk_size():
            while size:
                piece = self._exactly(min(size, PIECE_BYTES))
                size -= len(piece)
                yield piece
            self._exactly(2)
        self._read_trailers()

    def _chunk_size(self) -> int:
        size = self._line().split(b";", 1)[0].strip()
        if not _CHUNK_SIZE.fullmatch(size):
            raise BodyError("a chunk does not begin with its size")
        return int(size, 16)

    def _read_trailers(self) -> None:
        while line := self._line():
            name, _, value = line.decode("latin-1").partition(":")
            self.trailers[name.strip().lower()] = value.strip()

    def _line(self) -> bytes:
        line = self._stream.readline(LONGEST_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise BodyError("the connection ended within the body")
        return line.rstrip(b"\r\n")

    def _exactly(self, size_bytes: int) -> bytes:
        piece = self._stream.read(size_bytes)
        if len(piece) < size_bytes:
            raise BodyError("the connection ended within the body")
        return piece


class Connection(BaseHTTPRequestHandler):
    """One connection and the request that it carries now; for each, the server's `answer` is called."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server
    methods: ClassVar[tuple[str, ...]] = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(self.server.idle_timeout_s)

    def __getattr__(self, name: str) -> Any:
        if name.removeprefix("do_") in self.methods:
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        self.server.answer(self)

    @property
    def body(self) -> Body:
        """The request's body, not read yet. To be taken once."""
        return Body(self.headers, self.rfile)

    @property
    def gone(self) -> bool:
        """Whether the client has closed its side, as all do who do not want the answer."""
        if not select.select([self.connection], [], [], 0)[0]:
            return False
        try:
            return not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def send(self, status: int, headers: Iterable[tuple[str, str]], body: bytes = b"") -> None:
        """The whole answer in one write: head and body apart would wait for each other's acknowledgement."""
        self.wfile.write(self.head(status, headers, len(body)) + (b"" if self.command == "HEAD" else body))

    def head(self, status: int, headers: Iterable[tuple[str, str]], length_bytes: int | None) -> bytes:
        """Status line and headers; `None` leaves the length unsaid."""
        lines = [f"HTTP/1.1 {status} {_phrase(status)}", *(f"{name}: {value}" for name, value in headers)]
        if length_bytes is not None and status >= 200 and status != 204:
            lines.append(f"Content-Length: {length_bytes}")
        if self.close_connection:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def send_error(self, code: int, *_: str | None) -> None:
        """The base class calls it for a request that it cannot parse: answered in the server's own shape."""
        self.close_connection = True
        self.command = self.command or ""
        self.server.refuse(self, int(code))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Nothing: what a request was is in its evidence."""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def refuse_plainly(connection: Connection, status: int) -> None:
    connection.send(status, json_headers(), b'{"error":{"message":"This request cannot be read."}}')


class Server(ThreadingHTTPServer):
    """Listens as soon as it is made; `start()` serves from a thread, `stop()` ends it and every connection.

    `answer` is called in the connection's own thread, for each request; `refuse` for what cannot be parsed.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 512
    allow_reuse_address = True

    def __init__(
        self,
        answer: Callable[[Connection], None],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        idle_timeout_s: float | None = 75.0,
        refuse: Callable[[Connection, int], None] = refuse_plainly,
    ) -> None:
        self.answer = answer
        self.refuse = refuse
        self.idle_timeout_s = idle_timeout_s
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        super().__init__((host, port), Connection)

    @property
    def address(self) -> str:
        return f"{self.server_name}:{self.server_port}"

    def start(self) -> None:
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), name="http", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it, once or more often."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self.shutdown()
            thread.join()
        with self._changed:
            self.server_close()
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def drained(self, within_s: float) -> bool:
        """Wait until every connection that was made so far has ended: whether they did in time."""
        with self._changed:
            return self._changed.wait_for(self._is_quiet, within_s)

    def _is_quiet(self) -> bool:
        if self._connections:
            return False
        return self.fileno() < 0 or not select.select([self], [], [], 0)[0]

    def server_bind(self) -> None:
        # HTTPServer would ask the DNS for this machine's name here, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, Any]:
        with self._changed:  # at no moment is a connection neither waiting to be accepted nor known
            request, client_address = super().get_request()
            self._connections.add(request)
        return request, client_address

    def shutdown_request(self, request: Any) -> None:
        try:
            super().shutdown_request(request)
        finally:
            with self._changed:
                self._connections.discard(request)
                self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that went away is no error."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def json_headers(extra: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    return [("Content-Type", "application/json"), *(extra or {}).items()]
