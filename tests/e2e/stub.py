"""A provider that answers with bytes that a test gave it, and remembers what it got."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[bytes], tuple[int, bytes]]
# What a stream is made of: bytes go out at once, a number is a pause in seconds, `CUT` ends the connection.
CUT = None
Pieces = Iterable[bytes | float | None]


class StubProvider:
    """An OpenAI-compatible provider on loopback. `answer`: body → (status, body).

    `headers`: what an answer that is not streamed has besides.
    `pieces`: body → what a request with `stream` is answered with; `left` is set when its caller has gone.
    """

    def __init__(self, port: int = 0) -> None:
        self.answer: Answer = lambda _: (500, b"{}")
        self.headers: dict[str, str] = {}
        self.pieces: Callable[[bytes], Pieces] = lambda _: []
        self.left = threading.Event()
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """host:port"""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                stub.seen.append((self.path, headers, body))
                if b'"stream":true' in body.replace(b" ", b""):
                    self.stream(stub.pieces(body))
                    return
                status, answer = stub.answer(body)
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                for name, value in stub.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def stream(self, pieces: Pieces) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/event-stream; charset=utf-8")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                try:
                    for piece in pieces:
                        if piece is CUT:
                            self.close_connection = True
                            return
                        if isinstance(piece, bytes):
                            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                        else:
                            time.sleep(piece)
                    self.wfile.write(b"0\r\n\r\n")
                except OSError:
                    self.close_connection = True
                    stub.left.set()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
