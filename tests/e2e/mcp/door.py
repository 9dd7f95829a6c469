"""An MCP server behind an authorization server, and one that has moved: each as plain HTTP on loopback."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote

SECRET = "door secret"


class Door:
    """`tokens`: how many were given out; only the last is good. `elsewhere`: what came after a redirect."""

    def __init__(self) -> None:
        self.tokens = 0
        self.refuses = False
        self.asked: list[dict[str, Any]] = []
        self.seen: list[dict[str, str]] = []
        self.elsewhere: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """host:port"""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _token(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        kind, _, pair = headers.get("authorization", "").partition(" ")
        user, _, secret = base64.b64decode(pair).decode().partition(":")
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.asked.append({"kind": kind, "user": unquote(user), **form})
        if unquote(secret) != SECRET or form.get("grant_type") != "client_credentials":
            return 401, {"error": "invalid_client"}
        self.tokens += 1
        return 200, {"access_token": f"token-{self.tokens}", "token_type": "Bearer", "expires_in": 3600}

    def _mcp(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        self.seen.append(headers)
        if self.refuses or headers.get("authorization") != f"Bearer token-{self.tokens}":
            return 401, {"error": "invalid_token"}
        asked = json.loads(body)
        result = {"content": [{"type": "text", "text": "open"}], "isError": False}
        return 200, {"jsonrpc": "2.0", "id": asked["id"], "result": result}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                if self.path == "/moved":
                    self.send_response(307)
                    self.send_header(
                        "location", f"http://localhost:{door.address.partition(':')[2]}/elsewhere"
                    )
                    self.send_header("content-length", "0")
                    self.end_headers()
                    return
                if self.path == "/elsewhere":
                    door.elsewhere.append(self.path)
                answer = door._token if self.path == "/token" else door._mcp
                status, tree = answer(headers, body)
                raw = json.dumps(tree).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
