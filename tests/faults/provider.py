"""Who answers to the upstream's address, and to the sinks': what a script says, to the byte."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from tests.faults.seam import REFUSE

# For how long a stream that hangs waits to be left: less than the ten seconds after which a gateway that was
# not told finds out by itself.
PATIENCE_S = 8.0


@dataclass(frozen=True, slots=True)
class Script:
    """An answer: `body`, or events, of which the last is followed by `end`."""

    body: bytes = b"{}"
    events: tuple[bytes, ...] | None = None
    end: Literal["whole", "cut", "hang"] = "whole"
    """`cut`: the connection ends within the body. `hang`: nothing more comes, until the other side goes."""


class Provider:
    """Listens on loopback from the start. One request at a time is what its counts are good for."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.paths: list[str] = []
        """Of each request that was not refused."""
        self.hanging = threading.Event()
        """Set when all that comes of a stream that hangs has been sent."""
        self._open = 0
        self._left_open = 0
        self._changed = threading.Condition()
        self._server = _Quiet(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """host:port"""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def left_open(self) -> int:
        """How many streams that hang nobody has left, since this was asked last. Waits for those that do."""
        with self._changed:
            self._changed.wait_for(lambda: not self._open, PATIENCE_S + 5)
            left_open, self._left_open = self._left_open + self._open, 0
            return left_open

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _hang(self, handler: BaseHTTPRequestHandler) -> None:
        """Until the other side has closed the connection, as it shall."""
        with self._changed:
            self._open += 1
        self.hanging.set()
        handler.connection.settimeout(PATIENCE_S)
        try:
            is_left = not handler.connection.recv(1)
        except TimeoutError:
            is_left = False
        except OSError:
            is_left = True
        with self._changed:
            self._open -= 1
            self._left_open += not is_left
            self._changed.notify_all()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                if (status := self.headers.get(REFUSE)) is not None:
                    self.answer(int(status), b'{"error": {"message": "no"}}')
                    return
                provider.paths.append(self.path)
                script = provider.script
                if script.events is None:
                    self.answer(200, script.body)
                else:
                    self.stream(script.events, script.end)

            def answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def stream(self, events: Sequence[bytes], end: str) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                chunks = [b"%x\r\n%b\r\n" % (len(event), event) for event in events]
                self.wfile.write(b"".join([*chunks, b"0\r\n\r\n" if end == "whole" else b""]))
                self.close_connection = end != "whole"
                if end == "hang":
                    provider._hang(self)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        return Handler


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who is killed resets its connections: no reason for a traceback."""
