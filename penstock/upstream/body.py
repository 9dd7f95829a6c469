"""Reads a response body within bounds: of size, after decompression too, and of time."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Final

from penstock.errors import UpstreamTimeoutError
from penstock.upstream.failures import malformed, too_large

_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS  # zlib manual, inflateInit2: detect the header of either
_CHUNK_BYTES: Final = 65_536


class Unpacker:
    """Decompresses a body while it comes. `encoding` is the response's Content-Encoding.

    Raises UpstreamError `malformed` for one that was not asked for and is not gzip or deflate.
    """

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        if name not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise malformed()
        self._stream = zlib.decompressobj(_GZIP_OR_ZLIB) if name not in {"", "identity"} else None
        self._begun = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """All that `chunk` gives, in pieces of bounded size. Raises UpstreamError `malformed`."""
        if self._stream is None:
            return iter((chunk,))
        return self._inflated(self._stream, chunk)

    def end(self) -> None:
        """No more comes. No body at all is no error: a 204 may name an encoding. One cut short is."""
        if self._begun and self._stream and not self._stream.eof:
            raise malformed()

    def _inflated(self, stream: zlib._Decompress, rest: bytes) -> Iterator[bytes]:
        piece = b""
        # A full piece may have left some output behind in zlib, also when all input is taken.
        while rest or len(piece) == _CHUNK_BYTES:
            self._begun = True
            try:
                piece = stream.decompress(rest, _CHUNK_BYTES)
            except zlib.error as error:
                raise malformed() from error
            yield piece
            rest = stream.unconsumed_tail or stream.unused_data
            if rest and stream.eof:
                raise malformed()


def read_bounded(
    chunks: Iterator[bytes],
    encoding: str,
    *,
    max_bytes: int,
    ends_at: float,
    clock: Callable[[], float],
) -> bytes:
    """The whole body, decompressed. `ends_at` is on `clock`.

    Raises UpstreamError `too_large`, `malformed`, or UpstreamTimeoutError.
    """
    whole = bytearray()
    for piece in _unpacked(_timely(chunks, ends_at, clock), Unpacker(encoding)):
        whole += piece
        if len(whole) > max_bytes:
            raise too_large(max_bytes)
    return bytes(whole)


def _timely(chunks: Iterator[bytes], ends_at: float, clock: Callable[[], float]) -> Iterator[bytes]:
    for chunk in chunks:
        if clock() > ends_at:
            raise UpstreamTimeoutError("The upstream took too long to finish its answer.")
        yield chunk


def _unpacked(chunks: Iterator[bytes], unpacker: Unpacker) -> Iterator[bytes]:
    for chunk in chunks:
        yield from unpacker.feed(chunk)
    unpacker.end()
