"""Providers that are down, slow, cut, lying or huge: each becomes one error of ours, in time, keyless."""

from __future__ import annotations

import gzip
import itertools
import socket
import time
import traceback
import zlib

import pytest

from penstock.errors import UpstreamError, UpstreamTimeoutError
from penstock.upstream.target import Target
from tests.upstream.server import KEY, Behaviour, Peer, Server, answering, body_of, shared_upstream

pytestmark = pytest.mark.loopback

MAX_BYTES = 200_000
DROPS = 400  # of DRIP_S each: eight seconds, where the call has less than one
HEAD = b"HTTP/1.1 200 OK\r\n"
PROMPT = b'{"prompt":"canary of the prompt"}'


def call(
    target: Target, *, body: bytes = PROMPT, headers: dict[str, str] | None = None, seconds: float = 20
) -> UpstreamError:
    """The error that a call ends with; it never names the key or the prompt."""
    with pytest.raises(UpstreamError) as caught:
        shared_upstream().post(target, "/x", body, headers or {}, KEY, seconds)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert KEY not in told
    assert "canary of the prompt" not in told
    return caught.value


def meet(
    behaviour: Behaviour, *, seconds: float = 20, body: bytes = PROMPT, **target: object
) -> UpstreamError:
    with Server(behaviour) as server:
        return call(server.target(max_response_bytes=MAX_BYTES, **target), seconds=seconds, body=body)


def silent(peer: Peer) -> None:
    peer.request()
    peer.gone(10)


def dripping_headers(peer: Peer) -> None:
    peer.request()
    peer.send(HEAD + b"x: ")
    peer.drip(itertools.repeat(b"y", DROPS))


def dripping_body(peer: Peer) -> None:
    peer.request()
    peer.send(HEAD + b"content-length: 100000\r\n\r\n")
    peer.drip(itertools.repeat(b"y", DROPS))


def always_about_to_begin(peer: Peer) -> None:
    peer.request()
    peer.drip(itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n", DROPS))


def begun_then_silent(peer: Peer) -> None:
    peer.request()
    peer.send(HEAD + b"content-length: 2\r\n\r\n{")
    peer.gone(10)


@pytest.mark.parametrize(
    "behaviour", [silent, dripping_headers, dripping_body, always_about_to_begin, begun_then_silent]
)
def test_whoever_is_slow_is_left_when_the_calls_time_is_over(behaviour: Behaviour) -> None:
    started = time.monotonic()
    error = meet(behaviour, seconds=0.4)
    assert isinstance(error, UpstreamTimeoutError)
    assert (error.status, error.code, error.outcome) == (504, "upstream_timeout", "timeout")
    assert time.monotonic() - started < 4  # read_timeout_ms is 5 s: the call's own time ended it


def test_the_targets_total_bounds_a_call_with_more_time() -> None:
    started = time.monotonic()
    assert isinstance(meet(dripping_headers, total_timeout_ms=400), UpstreamTimeoutError)
    assert time.monotonic() - started < 4


def test_a_silence_longer_than_the_read_timeout_ends_the_call() -> None:
    started = time.monotonic()
    assert isinstance(meet(silent, read_timeout_ms=200), UpstreamTimeoutError)
    assert time.monotonic() - started < 5


def not_reading(peer: Peer) -> None:
    time.sleep(3)


def reading_in_drops(peer: Peer) -> None:
    for _ in range(300):  # always a little, so that no single step of the client takes long
        time.sleep(0.01)
        if not peer.take(50_000):
            return


@pytest.mark.parametrize("behaviour", [not_reading, reading_in_drops])
def test_whoever_does_not_take_the_request_is_left_too(behaviour: Behaviour) -> None:
    with Server(behaviour) as server:
        started = time.monotonic()
        error = call(server.target(), seconds=0.4, body=b"x" * 30_000_000)
        took_s = time.monotonic() - started
    assert isinstance(error, UpstreamTimeoutError)
    assert took_s < 2.5


def test_a_call_without_any_time_left_is_over_before_it_begins() -> None:
    with Server(silent) as server:
        assert isinstance(call(server.target(), seconds=0), UpstreamTimeoutError)
    assert server.connections == 0


def test_a_provider_that_is_down_cannot_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = call(Target("fake", f"http://127.0.0.1:{port}"))
    assert (error.status, error.code, error.outcome) == (502, "upstream_error", "unreachable")


def test_a_provider_that_speaks_no_tls_cannot_be_reached() -> None:
    with Server(lambda peer: peer.send(body_of(b"{}"))) as server:
        assert call(Target("fake", f"https://127.0.0.1:{server.port}")).outcome == "unreachable"


def reset(peer: Peer) -> None:
    peer.request()
    peer.reset()


CUTS: dict[str, Behaviour] = {
    "says nothing": answering(b""),
    "resets": reset,
    "ends in the status line": answering(b"HTTP/1.1 2"),
    "ends in the headers": answering(HEAD + b"content-le"),
    "ends in the body": answering(HEAD + b"content-length: 100\r\n\r\n{}"),
    "ends in a chunk": answering(HEAD + b"transfer-encoding: chunked\r\n\r\n10\r\n{}"),
    "ends without the last chunk": answering(HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n"),
    "has a chunk of no size": answering(HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    "has a length that is no number": answering(HEAD + b"content-length: many\r\n\r\n{}"),
    "has two lengths": answering(HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\n{}"),
    "has a negative length": answering(HEAD + b"content-length: -1\r\n\r\n{}"),
    "speaks another protocol": answering(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "has endless headers": answering(HEAD + b"x: y\r\n" * 40_000),
    "changes the protocol": answering(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"),
    "has no status": answering(b"HTTP/1.1 OK\r\n\r\n"),
}


@pytest.mark.parametrize("behaviour", CUTS.values(), ids=CUTS.keys())
def test_an_answer_that_is_cut_or_breaks_http_is_no_answer(behaviour: Behaviour) -> None:
    error = meet(behaviour)
    assert (error.status, error.outcome) == (502, "cut")


@pytest.mark.parametrize("status", [b"600 What", b"999 What"])
def test_a_status_that_does_not_exist_is_malformed(status: bytes) -> None:
    assert meet(answering(body_of(b"{}", status=status))).outcome == "malformed"


def endless(peer: Peer) -> None:
    peer.request()
    peer.send(HEAD + b"transfer-encoding: chunked\r\n\r\n")
    for _ in range(10_000):
        peer.send(b"10000\r\n" + b"x" * 65_536 + b"\r\n")


HUGE: dict[str, Behaviour] = {
    "says so": answering(body_of(b"x" * (MAX_BYTES + 1))),
    "never ends": endless,
    "is a bomb": answering(body_of(gzip.compress(b"\0" * 50_000_000), b"content-encoding: gzip")),
    "is a zlib bomb": answering(body_of(zlib.compress(b"\0" * 50_000_000), b"content-encoding: deflate")),
}


@pytest.mark.parametrize("behaviour", HUGE.values(), ids=HUGE.keys())
def test_an_answer_over_the_bound_is_left_unread(behaviour: Behaviour) -> None:
    error = meet(behaviour)
    assert error.outcome == "too_large"
    assert str(MAX_BYTES) in str(error)


def test_an_answer_of_exactly_the_bound_is_read() -> None:
    with Server(answering(body_of(b"x" * MAX_BYTES))) as server:
        target = server.target(max_response_bytes=MAX_BYTES)
        answer = shared_upstream().post(target, "/x", b"{}", {}, KEY, 20)
    assert len(answer.body) == MAX_BYTES


PACKED = gzip.compress(b'{"ok":true}')
BADLY_PACKED = {
    "is not gzip": (b"gzip", b'{"ok":true}'),
    "is cut": (b"gzip", PACKED[:-9]),
    "has a wrong sum": (b"gzip", PACKED[:-8] + b"\0" * 8),
    "goes on": (b"gzip", PACKED + b"more"),
    "is in an unknown encoding": (b"br", b"xxxx"),
    "is packed twice": (b"gzip, gzip", gzip.compress(PACKED)),
}


@pytest.mark.parametrize(("encoding", "body"), BADLY_PACKED.values(), ids=BADLY_PACKED.keys())
def test_an_answer_that_cannot_be_unpacked_is_malformed(encoding: bytes, body: bytes) -> None:
    assert meet(answering(body_of(body, b"content-encoding: " + encoding))).outcome == "malformed"


@pytest.mark.parametrize("key", [f"{KEY}\n{KEY}", f"{KEY} {KEY}", f"{KEY}\0", f"{KEY}é", "", "\n"])
def test_a_key_that_no_header_can_carry_is_said_without_being_shown(key: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        shared_upstream().post(Target("fake", "http://127.0.0.1:9"), "/x", b"{}", {}, key, 1)
    assert caught.value.outcome == "no_credentials"
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("value", [f"{KEY}\r\nx: y", f"{KEY}é", f"{KEY}\0"])
def test_a_header_that_cannot_be_sent_is_said_without_being_shown(value: str) -> None:
    with Server(silent) as server:
        assert call(server.target(), headers={"x-team": value}).outcome == "unsendable"
    assert server.requests == []


@pytest.mark.parametrize("base_url", ["http://[::1", f"http://{KEY}@:x", "http://\0"])
def test_a_url_that_is_none_is_said_without_being_shown(base_url: str) -> None:
    assert call(Target("fake", base_url)).outcome in {"unsendable", "unreachable"}
