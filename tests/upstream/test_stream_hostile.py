"""Streams that are cut, silent, endless, huge or unreadable: each becomes one error of ours, in time."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from penstock.errors import UpstreamError, UpstreamTimeoutError
from tests.upstream.pieces import CHUNKED, HEAD, LAST, Steps, chunk, ending, open_stream, rest_of
from tests.upstream.server import KEY, OK, Behaviour, Peer, Server, answering, body_of, shared_upstream

pytestmark = pytest.mark.loopback

CUTS: dict[str, Behaviour] = {
    "without the last chunk": ending(CHUNKED + chunk(b"one")),
    "in the last chunk": ending(CHUNKED + chunk(b"one") + b"0\r\n"),
    "in a chunk": ending(CHUNKED + b"10\r\none"),
    "in a chunk's size": ending(CHUNKED + chunk(b"one") + b"1"),
    "at a size that is none": ending(CHUNKED + chunk(b"one") + b"zz\r\n"),
    "before its length": ending(HEAD + b"content-length: 10\r\n\r\none"),
    "with a reset": ending(CHUNKED + chunk(b"one"), reset=True),
    "with a reset before its length": ending(HEAD + b"content-length: 10\r\n\r\none", reset=True),
}


@pytest.mark.parametrize("wait_s", [None, 0.01])
@pytest.mark.parametrize("behaviour", CUTS.values(), ids=CUTS.keys())
def test_what_came_before_a_cut_is_read_and_then_the_cut_is_told(
    behaviour: Behaviour, wait_s: float | None
) -> None:
    with Server(behaviour, answering(OK)) as server:
        stream = open_stream(server)
        assert stream.read(5) == b"one"
        with pytest.raises(UpstreamError) as caught:
            rest_of(stream, wait_s)
        stream.close()
        assert shared_upstream().post(server.target(), "/x", b"{}", {}, KEY, 20).status == 200
    assert (caught.value.outcome, server.connections) == ("cut", 2)


def test_a_silence_between_two_pieces_ends_the_stream() -> None:
    steps = Steps(CHUNKED + chunk(b"one"), LAST)
    steps.go()
    with Server(steps) as server:
        stream = open_stream(server, read_timeout_ms=300)
        assert stream.read() == b"one"
        with pytest.raises(UpstreamTimeoutError):
            stream.read()
        assert steps.gone.wait(20)


def test_silences_that_are_short_each_are_no_silence_together() -> None:
    def behave(peer: Peer) -> None:
        peer.request()
        peer.send(CHUNKED)
        for _ in range(6):
            time.sleep(0.2)
            peer.send(chunk(b"x"))
        peer.send(LAST)

    with Server(behave) as server:
        stream = open_stream(server, read_timeout_ms=1000)
        assert rest_of(stream, 0.05) == b"x" * 6
        stream.close()


def test_a_silence_is_counted_over_many_short_waits() -> None:
    steps = Steps(CHUNKED + chunk(b"one"), LAST)
    steps.go()
    with Server(steps) as server:
        stream = open_stream(server, read_timeout_ms=300)
        assert stream.read() == b"one"
        with pytest.raises(UpstreamTimeoutError):
            rest_of(stream, 0.02)


def test_the_time_in_which_nobody_reads_is_no_silence() -> None:
    steps = Steps(CHUNKED + chunk(b"one"), chunk(b"two"), LAST)
    steps.go()
    with Server(steps) as server:
        stream = open_stream(server, read_timeout_ms=300)
        assert stream.read() == b"one"
        assert stream.read(0.01) is None
        steps.go()
        time.sleep(0.5)  # as when a slow caller takes a keep-alive comment
        assert stream.read() == b"two"
        stream.close()


@pytest.mark.parametrize("wait_s", [None, 0.02])
@pytest.mark.parametrize("of", ["the call", "the target"])
def test_a_stream_without_an_end_is_left_when_its_time_is_over(of: str, wait_s: float | None) -> None:
    def endless(peer: Peer) -> None:
        peer.request()
        peer.send(CHUNKED)
        peer.drip(iter(lambda: chunk(b"x"), b""))

    with Server(endless) as server:
        started = time.monotonic()
        bounds: dict[str, Any] = {"seconds": 0.4} if of == "the call" else {"total_timeout_ms": 400}
        stream = open_stream(server, **bounds)
        with pytest.raises(UpstreamTimeoutError):
            rest_of(stream, wait_s)
    assert time.monotonic() - started < 5


def test_a_head_that_does_not_come_is_a_timeout() -> None:
    with Server(Steps(b"never sent")) as server, pytest.raises(UpstreamTimeoutError):
        open_stream(server, seconds=0.3)


PACKED = gzip.compress(b"one")
BADLY_PACKED = {
    "is not gzip": (b"gzip", b"data: one"),
    "is cut": (b"gzip", PACKED[:-9]),
    "goes on": (b"gzip", PACKED + b"more"),
    "is in an unknown encoding": (b"br", b"xxxx"),
}


@pytest.mark.parametrize(("encoding", "body"), BADLY_PACKED.values(), ids=BADLY_PACKED.keys())
def test_a_stream_that_cannot_be_unpacked_is_malformed_and_left(encoding: bytes, body: bytes) -> None:
    whole = HEAD + b"content-encoding: " + encoding + b"\r\ntransfer-encoding: chunked\r\n\r\n" + chunk(body)
    with Server(answering(whole + LAST, OK), answering(OK)) as server:
        with pytest.raises(UpstreamError) as caught:
            rest_of(open_stream(server))
        assert shared_upstream().post(server.target(), "/x", b"{}", {}, KEY, 20).status == 200
    assert caught.value.outcome == "malformed"


def test_more_than_lambda_passes_on_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.upstream.stream.MAX_STREAM_BYTES", 100)
    whole = CHUNKED + chunk(b"x" * 100) + chunk(b"x") + LAST
    with Server(answering(whole)) as server, pytest.raises(UpstreamError) as caught:
        rest_of(open_stream(server))
    assert caught.value.outcome == "too_large"


def test_the_body_of_an_answer_that_is_no_stream_is_bounded() -> None:
    with Server(answering(body_of(b"x" * 1001)), answering(OK)) as server:
        with pytest.raises(UpstreamError, match="larger than 1000 bytes") as caught:
            open_stream(server, max_response_bytes=1000).body()
        assert shared_upstream().post(server.target(), "/x", b"{}", {}, KEY, 20).status == 200
    assert caught.value.outcome == "too_large"


@pytest.mark.parametrize(
    ("status", "outcome"), [(b"302 Found", "redirect"), (b"600 What", "malformed"), (b"OK", "cut")]
)
def test_what_is_no_answer_is_refused_before_it_is_a_stream(status: bytes, outcome: str) -> None:
    answer = body_of(b"", b"location: http://127.0.0.1:9/", status=status)
    with Server(answering(answer)) as server, pytest.raises(UpstreamError) as caught:
        open_stream(server)
    assert caught.value.outcome == outcome


def test_an_upstream_makes_no_more_than_is_read() -> None:
    """What holds it back is the connection: nothing is taken in advance."""
    sent: list[int] = []

    def flood(peer: Peer) -> None:
        peer.request()
        peer.send(CHUNKED)
        for _ in range(1000):
            peer.send(chunk(b"x" * 65_536))
            sent.append(1)

    with Server(flood) as server:
        stream = open_stream(server)
        assert stream.read()
        held = _until_still(lambda: len(sent))
        stream.close()
    assert held * 65_536 < 32 * 1024 * 1024  # what the kernel holds on both sides, of 64 MB


def _until_still(count: Callable[[], int]) -> int:
    seen: Iterator[int] = iter(count, -1)
    before = next(seen)
    while True:
        time.sleep(0.2)
        if (now := next(seen)) == before:
            return now
        before = now
