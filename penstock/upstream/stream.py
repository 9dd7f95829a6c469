"""An answer that is read while the provider makes it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

import httpx

from penstock.errors import UpstreamTimeoutError
from penstock.upstream.body import Unpacker
from penstock.upstream.failures import cut, mapped, too_large
from penstock.upstream.target import Target
from penstock.upstream.wire import Wire

EVENT_STREAM: Final = "text/event-stream"
# Lambda ends a streamed answer after 200 MB (Lambda quotas), in the middle and without a word.
MAX_STREAM_BYTES: Final = 190_000_000


class UpstreamStream(Protocol):
    """An answer whose head has come. One thread reads and closes it; any may cancel it."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """With lower-case names."""

    @property
    def is_event_stream(self) -> bool:
        """Whether it says that it is one: an error is not, nor an answer of who does not stream."""

    @property
    def ms(self) -> float:
        """Milliseconds since the call began."""

    def read(self, wait_s: float | None = None) -> bytes | None:
        """The next bytes as they came, decompressed; b"" at the end; None if none came within `wait_s`.

        Without `wait_s` it waits as long as the target allows between two pieces. Zero takes what is there.
        Raises UpstreamError `cut`, `malformed`, `too_large`, or UpstreamTimeoutError; then it is closed.
        """

    def body(self) -> bytes:
        """The whole of an answer that is none to be streamed. In place of `read`. Raises what `read` does."""

    def cancel(self) -> None:
        """End it from another thread: a `read` under way, and every later one, raises UpstreamError `cut`.

        Returns at once. Of no effect once the stream has ended or was closed.
        """

    def close(self) -> None:
        """Leave it. Unless it had ended, its connection is closed too. To be called once or more often."""


class HttpStream:
    """The `UpstreamStream` over HTTP. `ends_at`, on `clock`, is when the whole call must be over."""

    def __init__(
        self,
        response: httpx.Response,
        target: Target,
        *,
        started: float,
        ends_at: float,
        clock: Callable[[], float],
    ) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = dict(response.headers)
        self._response = response
        self._wire: Wire = response.extensions["wire"]
        self._unpacker = Unpacker(self.headers.get("content-encoding", ""))
        self._unpacked: Iterator[bytes] = iter(())
        self._target = target
        self._started, self._ends_at, self._clock = started, ends_at, clock
        self._silent_until: float | None = None
        self._taken_bytes = 0
        self._lock = threading.Lock()
        self._closed = self._cancelled = self._ended = False

    @property
    def is_event_stream(self) -> bool:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower() == EVENT_STREAM

    @property
    def ms(self) -> float:
        return (self._clock() - self._started) * 1000

    def read(self, wait_s: float | None = None) -> bytes | None:
        if self._ended:
            return b""
        try:
            self._check_open()
            with mapped():
                piece = self._next(None if wait_s is None else self._clock() + wait_s)
            self._count(piece or b"")
        except BaseException:
            self.close()
            raise
        return piece

    def body(self) -> bytes:
        whole = bytearray()
        while piece := self.read():
            whole += piece
            if len(whole) > self._target.max_response_bytes:
                self.close()
                raise too_large(self._target.max_response_bytes)
        return bytes(whole)

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            # Once it is closed, another call may have the connection.
            if not self._closed:
                self._wire.shut_down()

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._response.close()

    def _next(self, until: float | None) -> bytes | None:
        while not (piece := next(self._unpacked, b"")):
            raw = self._received(until)
            if raw is None:
                return None
            if not raw:
                self._unpacker.end()
                self._ended = True
                self.close()
                return b""
            self._unpacked = self._unpacker.feed(raw)
        return piece

    def _received(self, until: float | None) -> bytes | None:
        """Bytes of the body as they are on the wire. Silence counts from the first wait after a piece."""
        now = self._clock()
        if self._silent_until is None:
            self._silent_until = now + self._target.read_timeout_ms / 1000
        give_up_at = min(self._silent_until, self._ends_at)
        raw = self._wire.read((give_up_at if until is None else min(give_up_at, until)) - now)
        # A connection that was shut down looks like an end, which of some answers is a clean one.
        self._check_open()
        if raw is not None:
            self._silent_until = None
        elif self._clock() >= give_up_at:
            raise UpstreamTimeoutError("The upstream took too long to go on with its answer.")
        return raw

    def _check_open(self) -> None:
        if self._cancelled or self._closed:
            raise cut()

    def _count(self, piece: bytes) -> None:
        self._taken_bytes += len(piece)
        if self._taken_bytes > MAX_STREAM_BYTES:
            raise too_large(MAX_STREAM_BYTES)
