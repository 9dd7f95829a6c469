"""A server's stream as `penstock.gateway.streaming` reads it: until all have an answer, or time is up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from penstock.errors import PenstockError, UpstreamError
from penstock.evidence.record import Usage
from penstock.gateway.mcp_call import McpCall
from penstock.upstream.stream import UpstreamStream

_LEAST_S: Final = 0.001


class Until:
    """The stream, until `is_done` says so or, to listen on, until `ends_at` on `clock`: then it has ended."""

    def __init__(
        self,
        stream: UpstreamStream,
        is_done: Callable[[], bool],
        clock: Callable[[], float],
        ends_at: float | None,
    ) -> None:
        self._stream = stream
        self._is_done = is_done
        self._clock = clock
        self._ends_at = ends_at

    def read(self, wait_s: float | None = None) -> bytes | None:
        """As `UpstreamStream.read`."""
        if self._is_done():
            return b""
        if self._ends_at is None:
            return self._stream.read(wait_s)
        left_s = self._ends_at - self._clock()
        if left_s <= 0:
            return b""
        return self._stream.read(max(_LEAST_S, left_s if wait_s is None else min(wait_s, left_s)))

    def cancel(self) -> None:
        """From any thread: make a `read` under way end."""
        self._stream.cancel()


class McpStreamCall:
    """A call whose answer is a stream; `ended` closes its account."""

    def __init__(self, call: McpCall, stream: UpstreamStream, read: Until) -> None:
        self.stream = read
        self.opening_ms = stream.ms
        self._call = call
        self._whole = stream
        self._outcome = "answered"

    def failed(self, error: PenstockError) -> None:
        """The stream broke: what the record says of the attempt."""
        self._outcome = error.outcome if isinstance(error, UpstreamError) else "stopped"

    def ended(self, usage: Usage | None, *, is_whole: bool) -> None:
        """Close the stream and give the account what it was."""
        del usage  # an MCP server counts no tokens
        outcome = "stopped" if self._outcome == "answered" and not is_whole else self._outcome
        self._call.ended(self._whole, outcome)
