"""A streamed answer on its way to an HTTP caller, as API Gateway relays it.

Source: "Set up a Lambda proxy integration with payload response streaming", API Gateway developer guide.
"""

from __future__ import annotations

import socket

from penstock.dev.http_server import Connection
from penstock.dev.invocation import RefusedError
from penstock.dev.proxy_events import MalformedResponseError, response_head

DELIMITER = b"\0" * 8
# The delimiter has to stand within these.
PRELUDE_LIMIT_BYTES = 16 * 1024
# One write must end within the connection's timeout: at 1 KB/s this takes 16 of its 75 seconds.
WRITE_BYTES = 16 * 1024
# What the kernel holds for a slow caller counts as sent; as it comes, that can be megabytes.
SEND_BUFFER_BYTES = 64 * 1024


class StreamedAnswer:
    """The `Relay` to one caller. `begun`: the caller has status and headers: nothing else can be said now."""

    def __init__(self, connection: Connection, request_id: str) -> None:
        self._connection = connection
        self._request_id = request_id
        self._prelude = b""
        self._chunked = self._bodiless = False
        self.begun = False
        self.malformed = False

    @property
    def gone(self) -> bool:
        return self._connection.gone

    def pass_on(self, chunk: bytes) -> None:
        if self.gone:
            raise RefusedError
        try:
            self._write(chunk if self.begun else self._after_prelude(chunk))
        except OSError as error:
            raise RefusedError from error
        except MalformedResponseError as error:
            self.malformed = True
            raise RefusedError from error

    def finish(self) -> None:
        """Say that the answer is complete."""
        if self._chunked:
            self._connection.wfile.write(b"0\r\n\r\n")

    def _after_prelude(self, chunk: bytes) -> bytes:
        """What of a first chunk belongs to the body, which begins as soon as the delimiter has come."""
        self._prelude += chunk
        prelude, delimiter, rest = self._prelude[:PRELUDE_LIMIT_BYTES].partition(DELIMITER)
        if delimiter:
            rest = self._prelude[len(prelude) + len(delimiter) :]
            self._begin(prelude)
        elif len(self._prelude) >= PRELUDE_LIMIT_BYTES:
            raise MalformedResponseError
        return rest

    def _begin(self, prelude: bytes) -> None:
        head = response_head(prelude)
        connection = self._connection
        self._bodiless = connection.command == "HEAD" or head.status in {204, 304}
        self._chunked = not self._bodiless and connection.request_version != "HTTP/1.0"
        headers = [*head.headers, ("x-amzn-RequestId", self._request_id)]
        if self._chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        connection.close_connection = connection.close_connection or not (self._chunked or self._bodiless)
        connection.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self.begun = True
        connection.wfile.write(connection.head(head.status, headers, None))

    def _write(self, content: bytes) -> None:
        for start in range(0, 0 if self._bodiless else len(content), WRITE_BYTES):
            piece = content[start : start + WRITE_BYTES]
            self._connection.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece)
