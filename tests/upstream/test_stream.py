"""Reading an answer while it is made, over real sockets: nothing held back, nothing waited for too long.

How a stream can end badly is in test_stream_hostile.py.
"""

from __future__ import annotations

import gzip
import threading
import time
import zlib
from typing import Any

import pytest

from penstock.errors import UpstreamError
from penstock.upstream.stream import UpstreamStream
from tests.upstream.pieces import CHUNKED, HEAD, LAST, UNFRAMED, Steps, chunk, ending, open_stream, rest_of
from tests.upstream.server import KEY, OK, Peer, Server, answering, body_of, shared_upstream

pytestmark = pytest.mark.loopback


def test_each_piece_is_there_before_the_next_is_made() -> None:
    steps = Steps(CHUNKED + chunk(b"one"), chunk(b"two"), LAST)
    steps.go()
    with Server(steps) as server:
        stream = open_stream(server)
        assert stream.read() == b"one"
        assert stream.read(0) is None
        steps.go()
        assert stream.read() == b"two"
        steps.go()
        assert stream.read() == b""
        stream.close()
    assert stream.ms > 0


def test_the_head_is_told_and_an_event_stream_asked_for() -> None:
    with Server(answering(CHUNKED + LAST)) as server:
        stream = open_stream(server)
        assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream")
        assert stream.read() == b""
        stream.close()
    assert b"\r\naccept: text/event-stream\r\n" in server.requests[0].lower()
    assert b"\r\naccept-encoding: identity\r\n" in server.requests[0].lower()


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (b"text/event-stream", True),
        (b"Text/Event-Stream ; charset=utf-8", True),
        (b"application/json", False),
        (b"text/event-streams", False),
    ],
)
def test_an_event_stream_is_known_by_its_type(content_type: bytes, expected: bool) -> None:
    with Server(answering(body_of(b"{}", b"content-type: " + content_type))) as server:
        stream = open_stream(server)
        assert stream.is_event_stream is expected
        stream.close()


def test_pieces_that_came_together_are_read_together() -> None:
    with Server(answering(CHUNKED + chunk(b"a") + chunk(b"b") + chunk(b"c") + LAST)) as server:
        stream = open_stream(server)
        assert stream.read() == b"abc"
        assert stream.read() == b""
        stream.close()


FRAMED = {"in chunks": CHUNKED + chunk(b"one") + chunk(b"two" * 6) + LAST, "counted": body_of(b"one" * 7)}


@pytest.mark.parametrize("answer", FRAMED.values(), ids=FRAMED.keys())
def test_whoever_waits_only_briefly_gets_the_same_wherever_the_bytes_are_cut(answer: bytes) -> None:
    """One byte at a time, so that every chunk's size, and every line break, is waited for in its middle."""

    def drip(peer: Peer) -> None:
        peer.request()
        for index in range(len(answer)):
            peer.send(answer[index : index + 1])
            time.sleep(0.003)

    with Server(drip) as server:
        stream = open_stream(server)
        assert rest_of(stream, 0.001) == (b"one" + b"two" * 6 if b"chunked" in answer else b"one" * 7)
        stream.close()


def test_a_wait_is_no_longer_than_told_while_a_chunk_s_size_is_half_there() -> None:
    steps = Steps(CHUNKED + b"1", b"0\r\n" + b"x" * 16 + b"\r\n" + LAST)
    steps.go()
    with Server(steps) as server:
        stream = open_stream(server)
        started = time.monotonic()
        assert stream.read(0.05) is None
        assert time.monotonic() - started < 2  # the read timeout is 5 s
        steps.go()
        assert rest_of(stream) == b"x" * 16
        stream.close()


def test_an_answer_that_ends_with_its_connection_ends_cleanly() -> None:
    with Server(ending(UNFRAMED + b"one")) as server:
        stream = open_stream(server)
        assert (stream.read(), stream.read(), stream.read()) == (b"one", b"", b"")
        stream.close()


def cancelled_after(stream: UpstreamStream, seconds: float) -> threading.Timer:
    timer = threading.Timer(seconds, stream.cancel)
    timer.start()
    return timer


@pytest.mark.parametrize("wait_s", [None, 15.0])
@pytest.mark.parametrize("head", [CHUNKED, UNFRAMED], ids=["framed", "unframed"])
def test_a_read_that_waits_ends_when_another_thread_cancels(head: bytes, wait_s: float | None) -> None:
    steps = Steps(head + (chunk(b"one") if head is CHUNKED else b"one"), LAST)
    steps.go()
    with Server(steps, answering(OK)) as server:
        stream = open_stream(server, read_timeout_ms=20_000)
        assert stream.read()
        started = time.monotonic()
        timer = cancelled_after(stream, 0.1)
        with pytest.raises(UpstreamError) as caught:
            stream.read(wait_s)
        assert time.monotonic() - started < 8
        assert caught.value.outcome == "cut"
        timer.join()
        assert steps.gone.wait(20)
        assert shared_upstream().post(server.target(), "/x", b"{}", {}, KEY, 20).status == 200
    assert server.connections == 2


def test_nothing_is_read_once_it_is_cancelled_not_even_what_is_there() -> None:
    with Server(answering(CHUNKED + chunk(b"one") + LAST)) as server:
        stream = open_stream(server)
        stream.cancel()
        for _ in range(2):
            with pytest.raises(UpstreamError) as caught:
                stream.read()
            assert caught.value.outcome == "cut"


@pytest.mark.parametrize("ended", [False, True])
def test_a_late_cancel_does_not_touch_the_call_that_has_the_connection_now(ended: bool) -> None:
    with Server(answering(CHUNKED + chunk(b"one") + LAST, OK), answering(OK)) as server:
        stream = open_stream(server)
        if ended:
            assert rest_of(stream) == b"one"
        stream.close()
        stream.cancel()
        assert shared_upstream().post(server.target(), "/x", b"{}", {}, KEY, 20).status == 200
    assert server.connections == (1 if ended else 2)


def test_a_connection_is_used_again_after_a_stream_that_ended() -> None:
    whole = CHUNKED + chunk(b"one") + LAST
    with Server(answering(whole, OK, whole, body_of(b"two"))) as server:
        for _ in range(2):
            stream = open_stream(server)
            assert rest_of(stream)
            stream.close()
            stream.close()
            assert shared_upstream().post(server.target(), "/x", b"{}", {}, KEY, 20).body
    assert server.connections == 1


def test_a_stream_that_is_left_is_seen_to_be_left_and_its_connection_is_not_used_again() -> None:
    steps = Steps(CHUNKED + chunk(b"one"), LAST)
    steps.go()
    with Server(steps, answering(OK)) as server:
        stream = open_stream(server)
        assert stream.read() == b"one"
        stream.close()
        assert steps.gone.wait(20)
        with pytest.raises(UpstreamError):
            stream.read()
        assert shared_upstream().post(server.target(), "/x", b"{}", {}, KEY, 20).status == 200
    assert server.connections == 2


def test_what_follows_a_stream_s_end_is_never_taken_for_the_next_answer() -> None:
    injected = body_of(b"another tenant's")
    with Server(answering(CHUNKED + LAST + injected), answering(OK)) as server:
        stream = open_stream(server)
        assert rest_of(stream) == b""
        stream.close()
        assert shared_upstream().post(server.target(), "/x", b"{}", {}, KEY, 20).body == b'{"ok":true}'
    assert server.connections == 2


def packer_of(encoding: bytes) -> Any:
    return zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS | (16 if encoding == b"gzip" else 0))


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate"])
def test_a_compressed_stream_that_nobody_asked_for_is_unpacked_as_it_comes(encoding: bytes) -> None:
    packer = packer_of(encoding)
    one = packer.compress(b"one") + packer.flush(zlib.Z_SYNC_FLUSH)
    two = packer.compress(b"two") + packer.flush()
    head = HEAD + b"content-encoding: " + encoding + b"\r\ntransfer-encoding: chunked\r\n\r\n"
    steps = Steps(head + chunk(one), chunk(two) + LAST)
    steps.go()
    with Server(steps) as server:
        stream = open_stream(server)
        assert stream.read() == b"one"
        steps.go()
        assert rest_of(stream) == b"two"
        stream.close()


def test_a_small_stream_that_unpacks_to_a_huge_one_is_given_in_bounded_pieces() -> None:
    bomb = gzip.compress(b"\0" * 3_000_000)
    head = HEAD + b"content-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n"
    with Server(answering(head + chunk(bomb) + LAST)) as server:
        stream = open_stream(server)
        sizes = [len(piece) for piece in iter(stream.read, b"") if piece]
        stream.close()
    assert sum(sizes) == 3_000_000
    assert max(sizes) <= 65_536


@pytest.mark.parametrize("status", [b"400 Bad", b"401 No", b"429 Slow", b"500 Oops", b"200 OK"])
def test_an_answer_that_is_no_stream_is_taken_whole(status: bytes) -> None:
    body = b'{"error":{}}'
    with Server(answering(body_of(body, b"content-type: application/json", status=status))) as server:
        stream = open_stream(server)
        assert (stream.status, stream.is_event_stream) == (int(status[:3]), False)
        assert stream.body() == body
        stream.close()
