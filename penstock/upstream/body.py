"""Reads a response body within bounds: of size, after decompression too, and of time."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Final

from penstock.errors import UpstreamError, UpstreamTimeoutError

_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS  # zlib manual, inflateInit2: detect the header of either
_CHUNK_BYTES: Final = 65_536


def read_bounded(
    chunks: Iterator[bytes],
    encoding: str,
    *,
    max_bytes: int,
    ends_at: float,
    clock: Callable[[], float],
) -> bytes:
    """The whole body, decompressed. `encoding` is the response's Content-Encoding, `ends_at` on `clock`.

    Raises UpstreamError `too_large`, `malformed` (an encoding that was not asked for and is not gzip or
    deflate, or a broken one), or UpstreamTimeoutError.
    """
    whole = bytearray()
    for piece in _decoded(_timely(chunks, ends_at, clock), encoding):
        whole += piece
        if len(whole) > max_bytes:
            raise UpstreamError(
                f"The upstream's answer is larger than {max_bytes} bytes.", outcome="too_large"
            )
    return bytes(whole)


def _timely(chunks: Iterator[bytes], ends_at: float, clock: Callable[[], float]) -> Iterator[bytes]:
    for chunk in chunks:
        if clock() > ends_at:
            raise UpstreamTimeoutError("The upstream took too long to finish its answer.")
        yield chunk


def _decoded(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    if encoding in {"", "identity"}:
        return chunks
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise _malformed()
    return _inflated(chunks)


def _inflated(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """No body at all is no error: a 204 may name an encoding. One that is cut short, or goes on, is."""
    stream = zlib.decompressobj(_GZIP_OR_ZLIB)
    begun = False
    for chunk in chunks:
        rest = chunk
        while rest:
            begun = True
            try:
                yield stream.decompress(rest, _CHUNK_BYTES)
            except zlib.error as error:
                raise _malformed() from error
            rest = stream.unconsumed_tail or stream.unused_data
            if rest and stream.eof:
                raise _malformed()
    if begun and not stream.eof:
        raise _malformed()


def _malformed() -> UpstreamError:
    return UpstreamError(
        "The upstream's answer is encoded in a way that cannot be read.", outcome="malformed"
    )
