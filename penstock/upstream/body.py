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
    inflate = _inflater(encoding)
    whole = bytearray()
    for chunk in chunks:
        if clock() > ends_at:
            raise UpstreamTimeoutError("The upstream took too long to finish its answer.")
        for piece in inflate(chunk):
            whole += piece
            if len(whole) > max_bytes:
                raise UpstreamError(
                    f"The upstream's answer is larger than {max_bytes} bytes.", outcome="too_large"
                )
    return bytes(whole)


def _inflater(encoding: str) -> Callable[[bytes], Iterator[bytes]]:
    if encoding in {"", "identity"}:
        return lambda chunk: iter((chunk,))
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise _malformed()
    stream = zlib.decompressobj(_GZIP_OR_ZLIB)

    def inflate(chunk: bytes) -> Iterator[bytes]:
        rest = chunk
        while rest:
            try:
                piece = stream.decompress(rest, _CHUNK_BYTES)
            except zlib.error as error:
                raise _malformed() from error
            yield piece
            rest = stream.unconsumed_tail

    return inflate


def _malformed() -> UpstreamError:
    return UpstreamError(
        "The upstream's answer is encoded in a way that cannot be read.", outcome="malformed"
    )
