"""One deadline over a whole request: resolving, connecting, TLS, what is sent, the answer's head and body.

httpx bounds each piece of each step by itself, and the resolver not at all: a host that says a byte at a time
stays within every one of these bounds for as long as it likes. So the time is taken where the bytes are.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any, Final

import httpcore

# What is written at a time: a TLS record (RFC 8446, 5.1), so that each has the time that is left by then.
PIECE_BYTES: Final = 16_384


class Deadline:
    """Seconds that are left, of one request. `clock` in seconds, monotonic."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends = clock() + seconds

    def bound(self, wait_s: float | None, late: type[httpcore.TimeoutException]) -> float:
        """How long a step may take that may take `wait_s` by itself. Raises `late` when nothing is left."""
        left_s = self._ends - self._clock()
        if left_s <= 0:
            raise late("the time of the whole request is over")
        return left_s if wait_s is None else min(wait_s, left_s)

    def resolved(
        self, resolve: Callable[[str, int], Sequence[str]], host: str, port: int, wait_s: float | None = None
    ) -> Sequence[str]:
        """The answer of `resolve`, which nothing can interrupt: it is left behind, in a thread of its own.

        The system's resolver gives up by itself (resolv.conf: 5 s, twice). Raises httpcore.ConnectTimeout.
        """
        seconds = self.bound(wait_s, httpcore.ConnectTimeout)
        future: Future[Sequence[str]] = Future()

        def run() -> None:
            try:
                future.set_result(resolve(host, port))
            except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
                future.set_exception(error)

        threading.Thread(target=run, name="resolver", daemon=True).start()
        try:
            return future.result(seconds)
        except TimeoutError as error:
            if future.done():  # the resolver's own, which is an OSError like its others
                raise
            raise httpcore.ConnectTimeout("the name was not resolved in time") from error


class DeadlineNetwork(httpcore.NetworkBackend):
    """Makes connections that keep a deadline."""

    def __init__(self, inner: httpcore.NetworkBackend, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Raises httpcore's errors."""
        seconds = self._deadline.bound(timeout, httpcore.ConnectTimeout)
        stream = self._inner.connect_tcp(host, port, seconds, local_address, socket_options)
        return DeadlineStream(stream, self._deadline)

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class DeadlineStream(httpcore.NetworkStream):
    """A connection that keeps a deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.bound(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for at in range(0, len(buffer), PIECE_BYTES):
            seconds = self._deadline.bound(timeout, httpcore.WriteTimeout)
            self._inner.write(buffer[at : at + PIECE_BYTES], seconds)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """A handshake is one operation of the ssl module, which bounds it as a whole."""
        seconds = self._deadline.bound(timeout, httpcore.ConnectTimeout)
        return DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, seconds), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def close(self) -> None:
        self._inner.close()
