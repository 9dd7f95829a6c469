"""Writes down what comes, so that anybody can look at what a gateway has let through."""

from __future__ import annotations

import json
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Seen:
    """An ASGI application before another: one line of JSON for each request with its headers and its body."""

    def __init__(self, inner: ASGIApp, file: Path) -> None:
        self._inner = inner
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        body = b""

        async def received() -> Message:
            nonlocal body
            message = await receive()
            if message["type"] == "http.request":
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    self._write(scope, body)
            return message

        await self._inner(scope, received, send)

    def _write(self, scope: Scope, body: bytes) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        line = {"method": scope["method"], "path": scope["path"], "headers": headers, "body": body.decode()}
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
