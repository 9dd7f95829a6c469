"""Connections to providers: none outlives its call's time, and none carries one answer into the next call.

httpx bounds each read and write, not their sum: who sends one byte a second would hold a call for hours.
And it reuses a connection on which more came than the answer's length said; the rest would be taken for
the answer to the next request, which may be another tenant's.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from typing import Final

import httpcore
import httpx

from penstock.upstream.wire import Wire

_WRITE_BYTES: Final = 65_536


class Countdown:
    """The time that the call under way may still take. An environment has one call at a time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.ends_at = float("inf")

    def bound(self, timeout: float | None, expired: type[httpcore.TimeoutException]) -> float:
        """`timeout`, or what is left of the call where that is less. Raises `expired` when nothing is."""
        left = self.ends_at - self.clock()
        if left <= 0:
            raise expired
        return left if timeout is None else min(timeout, left)


class BoundedTransport(httpx.HTTPTransport):
    """httpx's own transport, within a countdown and without answers left over.

    A response's `extensions["wire"]` is its `Wire`, for who does not want to wait for each piece of the body.
    """

    def __init__(self, countdown: Countdown, limits: httpx.Limits) -> None:
        super().__init__(trust_env=False, limits=limits)
        self._countdown = countdown
        # httpx has no parameter for what httpcore calls `network_backend`.
        self._pool._network_backend = _Backend(self._pool._network_backend, countdown)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        for connection in self._pool.connections:
            if connection.is_idle() and _holds_more(connection):
                connection.close()
        response = super().handle_request(request)
        stream = response.extensions["network_stream"]
        for connection in self._pool.connections:
            if (http11 := _http11(connection)) and http11._network_stream is stream:
                response.extensions["wire"] = Wire(http11._h11_state, stream, self._countdown.clock)
        return response


def _http11(connection: httpcore.ConnectionInterface) -> httpcore.HTTP11Connection | None:
    """What a connection speaks with, once it is made. httpcore keeps it to itself."""
    found: httpcore.HTTP11Connection | None = getattr(connection, "_connection", None)
    return found


def _holds_more(connection: httpcore.ConnectionInterface) -> bool:
    """Whether bytes came after an answer's end. httpcore does not say: what it parses with must be asked.

    Bytes that wait in the socket it notices itself, and opens a new connection.
    """
    http11 = _http11(connection)
    return bool(http11 and http11._h11_state.trailing_data[0])


class _Backend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend, countdown: Countdown) -> None:
        self._inner = inner
        self._countdown = countdown

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        seconds = self._countdown.bound(timeout, httpcore.ConnectTimeout)
        stream = self._inner.connect_tcp(host, port, seconds, local_address, socket_options)
        return _Stream(stream, self._countdown)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, countdown: Countdown) -> None:
        self._inner = inner
        self._countdown = countdown

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._countdown.bound(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        sock = self._inner.get_extra_info("socket")
        rest = memoryview(buffer)
        while rest:
            # By hand: the inner stream would wait anew for each piece that the other side takes.
            sock.settimeout(self._countdown.bound(timeout, httpcore.WriteTimeout))
            try:
                rest = rest[sock.send(rest[:_WRITE_BYTES]) :]
            except TimeoutError as error:
                raise httpcore.WriteTimeout from error
            except OSError as error:
                raise httpcore.WriteError from error

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = self._countdown.bound(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, seconds), self._countdown)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)
