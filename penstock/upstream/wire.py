"""The body of one answer as it comes over its connection, without waiting longer than one is told to.

httpx gives a body as an iterator, which waits until there is more. Looking at the socket before each step
would not do: what is there may be half of a chunk's size, or of a TLS record, and the step would wait for the
rest. So what httpx would do for each step is done here, with the parser (h11) and the connection of httpcore:
a read that brought nothing in its time leaves both as they were, and is tried again.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Final

import h11
import httpcore

_READ_BYTES: Final = 65_536
# A socket's timeout of zero means something else; this one still takes what is there already.
_LEAST_S: Final = 0.001


class Wire:
    """One answer's body, from its first byte to its last."""

    def __init__(
        self, parser: h11.Connection, stream: httpcore.NetworkStream, clock: Callable[[], float]
    ) -> None:
        self._parser = parser
        self._stream = stream
        self._clock = clock
        self._ended = False

    def read(self, seconds: float) -> bytes | None:
        """All that is there, and the next bytes if nothing is; b"" at the end; None after `seconds`.

        Raises httpcore.RemoteProtocolError when the answer ended early or breaks HTTP, httpcore.ReadError.
        """
        give_up_at = self._clock() + seconds
        while not (piece := self._parsed()):
            if self._ended:
                return b""
            if not self._received(max(give_up_at - self._clock(), _LEAST_S)):
                return None
        return piece

    def _parsed(self) -> bytes:
        """What the parser has of the body. Its errors wait until what came before them is taken."""
        pieces: list[bytes | bytearray] = []
        while not self._ended and (event := self._next_event(raises=not pieces)) is not None:
            if isinstance(event, h11.Data):
                pieces.append(event.data)
            else:
                self._ended = True
        return b"".join(pieces)

    def _next_event(self, *, raises: bool) -> h11.Event | type[h11.PAUSED] | None:
        try:
            event = self._parser.next_event()
        except h11.RemoteProtocolError as error:
            if raises:
                raise httpcore.RemoteProtocolError(str(error)) from error
            return None
        return None if event is h11.NEED_DATA else event  # type: ignore[return-value]  # mypy sees no sentinel

    def _received(self, seconds: float) -> bool:
        """Whether anything came, its end included."""
        try:
            self._parser.receive_data(self._stream.read(_READ_BYTES, seconds))
        except httpcore.ReadTimeout:
            return False
        return True

    def shut_down(self) -> None:
        """From any thread: make a `read` under way, and every later one, end."""
        sock = self._stream.get_extra_info("socket")
        with contextlib.suppress(OSError):
            # Not `sock.shutdown`: over TLS that also drops the decryption under whoever reads just now.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
