"""Who can be called on this machine: over HTTP, or by one datagram."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """On loopback. With `redirect_to` it is the granted one: it redirects there, and can send too much."""

    def __init__(self, redirect_to: str = "") -> None:
        self.seen: list[str] = []
        self.headers: list[str] = []
        self.bodies: list[bytes] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(redirect_to))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self, redirect_to: str) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                receiver.seen.append(self.path)
                receiver.headers += [name.lower() for name in self.headers]
                body = b"inside" if not redirect_to else b"granted"
                if self.path == "/redirect" and redirect_to:
                    self.send_response(302)
                    self.send_header("location", f"http://{redirect_to}/")
                elif self.path == "/huge":
                    body = bytes(2_000_000)
                    self.send_response(200)
                else:
                    self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                receiver.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


class NameServer:
    """Takes datagrams, as a name server of somebody's own would; what came in them is in `asked`."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def close(self) -> None:
        self._socket.sendto(b"", self._socket.getsockname())

    def _listen(self) -> None:
        """Answers each with itself; an empty one ends it."""
        with self._socket:
            while True:
                asked, who = self._socket.recvfrom(512)
                if not asked:
                    return
                self.asked.append(asked)
                self._socket.sendto(asked, who)
