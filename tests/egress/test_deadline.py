from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import httpcore
import httpx
import pytest

from penstock.egress.deadline import PIECE_BYTES, Deadline, DeadlineNetwork, DeadlineStream
from penstock.egress.network import PublicTransport


class Clock:
    """Seconds, that only go on when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Wire(httpcore.NetworkStream):
    """Takes a second over everything, and notes how long it might have taken."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.bounds: list[float | None] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._step(timeout)
        return b"x"

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._step(timeout)

    def start_tls(  # type: ignore[no-untyped-def]  # the base class has the types
        self, ssl_context, server_hostname=None, timeout=None
    ) -> httpcore.NetworkStream:
        self._step(timeout)
        return self

    def _step(self, timeout: float | None) -> None:
        self.bounds.append(timeout)
        self._clock.now += 1.0


class Wires(httpcore.NetworkBackend):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def connect_tcp(  # type: ignore[no-untyped-def]  # the base class has the types
        self, host, port, timeout=None, local_address=None, socket_options=None
    ) -> httpcore.NetworkStream:
        self._wire._step(timeout)
        return self._wire


def test_each_step_may_take_what_the_ones_before_it_have_left() -> None:
    clock = Clock()
    wire = Wire(clock)
    stream = DeadlineNetwork(Wires(wire), Deadline(10.0, clock)).connect_tcp("8.8.8.8", 443, timeout=3.0)
    stream = stream.start_tls(ssl.create_default_context(), "siem.example.com", timeout=None)
    stream.write(b"x" * (PIECE_BYTES + 1), timeout=60.0)
    stream.read(1, timeout=60.0)
    assert wire.bounds == [3.0, 9.0, 8.0, 7.0, 6.0]


def test_a_host_that_says_a_byte_at_a_time_is_left_in_time() -> None:
    clock = Clock()
    stream = DeadlineStream(Wire(clock), Deadline(10.0, clock))
    for _ in range(10):
        assert stream.read(1, timeout=5.0) == b"x"
    with pytest.raises(httpcore.ReadTimeout):
        stream.read(1, timeout=5.0)
    assert clock.now == 10.0


def test_a_host_that_takes_a_piece_at_a_time_is_left_in_time() -> None:
    clock = Clock()
    with pytest.raises(httpcore.WriteTimeout):
        DeadlineStream(Wire(clock), Deadline(10.0, clock)).write(b"x" * PIECE_BYTES * 100)
    assert clock.now == 10.0


def test_a_resolver_s_own_errors_stay_what_they_are() -> None:
    def resolve(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror("nobody knows it")

    with pytest.raises(socket.gaierror):
        Deadline(10.0).resolved(resolve, "siem.example.com", 443)
    assert Deadline(10.0).resolved(lambda *_: ["8.8.8.8"], "siem.example.com", 443) == ["8.8.8.8"]


def never(connection: socket.socket) -> None:
    """Says nothing at all: neither TLS nor HTTP."""
    connection.recv(65_536)


def head(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")


def body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")


@contextmanager
def host(begins: Callable[[socket.socket], None], *, drips: bool) -> Iterator[int]:
    """The port of one who begins like this, and goes on with a byte at a time, for ever, or with nothing."""
    over = threading.Event()

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            begins(connection)
            while not over.wait(0.02):
                try:
                    connection.sendall(b"x" if drips else b"")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            thread.join(5)


def asked(url: str, deadline: Deadline, **more: object) -> None:
    resolve = more.get("resolve", lambda *_: ["127.0.0.1"])
    transport = PublicTransport(frozenset({"here.test"}), resolve, deadline=deadline)  # type: ignore[arg-type]  # a resolver
    with httpx.Client(transport=transport, trust_env=False, timeout=60) as client:
        client.get(url)


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    ("scheme", "begins"), [("https", never), ("http", never), ("http", head), ("http", body)]
)
def test_whatever_a_host_takes_its_time_over_the_request_ends(
    scheme: str, begins: Callable[[socket.socket], None]
) -> None:
    began = time.monotonic()
    with host(begins, drips=begins is not never) as port, pytest.raises(httpx.TimeoutException):
        asked(f"{scheme}://here.test:{port}/", Deadline(0.3))
    assert time.monotonic() - began < 10


@pytest.mark.enable_socket
def test_a_name_that_nobody_answers_for_is_not_waited_for() -> None:
    over = threading.Event()

    def resolve(_host: str, _port: int) -> Sequence[str]:
        over.wait(30)
        return []

    with pytest.raises(httpx.ConnectTimeout):
        asked("http://here.test/", Deadline(0.1), resolve=resolve)
    over.set()
