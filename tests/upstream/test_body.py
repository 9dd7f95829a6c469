"""Reading a body within bounds, however it is cut into pieces."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import UpstreamError, UpstreamTimeoutError
from penstock.upstream.body import Unpacker, read_bounded

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
}
# About the size of the pieces that are unpacked at once, too.
BODIES = st.one_of(
    st.binary(max_size=200),
    st.builds(lambda seed, times: seed * times, st.binary(min_size=1, max_size=40), st.integers(0, 5_000)),
    st.integers(65_530, 65_545).map(lambda size: b"\0" * size),
)


def read(chunks: Iterator[bytes], encoding: str = "", max_bytes: int = 1_000_000) -> bytes:
    return read_bounded(chunks, encoding, max_bytes=max_bytes, ends_at=1, clock=lambda: 0)


def pieces(whole: bytes, cuts: list[int]) -> Iterator[bytes]:
    ends = [*sorted({cut % (len(whole) + 1) for cut in cuts}), len(whole)]
    start = 0
    for end in ends:
        yield whole[start:end]
        start = end


@given(BODIES, st.sampled_from(sorted(PACKERS)), st.lists(st.integers(0, 100_000), max_size=6))
def test_what_was_packed_comes_out_however_it_is_cut(body: bytes, encoding: str, cuts: list[int]) -> None:
    assert read(pieces(PACKERS[encoding](body), cuts), encoding) == body


@given(BODIES, st.sampled_from(["gzip", "deflate"]), st.data())
def test_what_was_packed_and_cut_short_is_never_taken_for_whole(
    body: bytes, encoding: str, data: st.DataObject
) -> None:
    packed = PACKERS[encoding](body)
    end = data.draw(st.integers(1, len(packed) - 1))
    with pytest.raises(UpstreamError) as caught:
        read(iter([packed[:end]]), encoding)
    assert caught.value.outcome == "malformed"


@given(st.sampled_from(["gzip", "deflate"]), st.binary(min_size=1, max_size=50), st.booleans())
def test_what_goes_on_after_its_end_is_refused(encoding: str, more: bytes, together: bool) -> None:
    packed = PACKERS[encoding](b"body")
    with pytest.raises(UpstreamError):
        read(iter([packed + more] if together else [packed, more]), encoding)


@given(st.integers(0, 50), st.integers(0, 50), st.sampled_from(["", "gzip", "deflate"]))
def test_the_bound_holds_to_the_byte(size: int, max_bytes: int, encoding: str) -> None:
    body = iter([PACKERS[encoding](b"x" * size)])
    if size <= max_bytes:
        assert len(read(body, encoding, max_bytes)) == size
        return
    with pytest.raises(UpstreamError, match=f"larger than {max_bytes} bytes"):
        read(body, encoding, max_bytes)


def test_no_more_is_read_once_the_bound_is_passed() -> None:
    taken = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(1)
            yield b"x" * 100

    with pytest.raises(UpstreamError):
        read(endless(), max_bytes=250)
    assert len(taken) == 3


def test_a_body_that_comes_too_late_is_left() -> None:
    now = iter([0.0, 0.5, 1.5])
    with pytest.raises(UpstreamTimeoutError):
        read_bounded(iter([b"a", b"b", b"c"]), "", max_bytes=10, ends_at=1, clock=lambda: next(now))


def test_no_body_at_all_is_empty_in_every_encoding() -> None:
    assert [read(iter([]), encoding) for encoding in PACKERS] == [b""] * len(PACKERS)
    assert read(iter([b"", b""]), "gzip") == b""


@pytest.mark.parametrize("wbits", [zlib.MAX_WBITS, zlib.MAX_WBITS | 16])
@given(st.lists(BODIES, max_size=6))
def test_what_an_upstream_has_flushed_comes_out_at_once(wbits: int, bodies: list[bytes]) -> None:
    packer = zlib.compressobj(6, zlib.DEFLATED, wbits)
    unpacker = Unpacker("gzip")
    for body in bodies:
        flushed = packer.compress(body) + packer.flush(zlib.Z_SYNC_FLUSH)
        pieces_out = list(unpacker.feed(flushed))
        assert b"".join(pieces_out) == body
        assert all(len(piece) <= 65_536 for piece in pieces_out)
    list(unpacker.feed(packer.flush()))
    unpacker.end()


def test_nothing_stays_behind_when_a_piece_is_full_and_its_input_taken() -> None:
    packed = zlib.compress(b"\0" * 200_000)
    for end in range(len(packed)):
        unpacked = b"".join(Unpacker("deflate").feed(packed[:end]))
        assert unpacked == zlib.decompressobj().decompress(packed[:end])


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
def test_an_encoding_that_nobody_can_read_is_said_before_anything_comes(encoding: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        Unpacker(encoding)
    assert caught.value.outcome == "malformed"
