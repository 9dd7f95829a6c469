"""Reading from a connection without waiting too long, over TLS too, where what is there may be half a record.

Over plain sockets it is in test_stream.py.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import h11
import httpcore
import pytest

from penstock.errors import UpstreamError
from penstock.upstream.client import HttpUpstream
from penstock.upstream.stream import UpstreamStream
from penstock.upstream.target import Target
from penstock.upstream.wire import Wire
from tests.upstream.server import Behaviour, Peer, Server
from tests.upstream.tls import TlsPeer, write_certificate

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


class Connection(httpcore.NetworkStream):
    """Gives these pieces; None is a read for which nothing came in time. Each read takes a second."""

    def __init__(self, *pieces: bytes | None) -> None:
        self._pieces = list(pieces)
        self.now = 0.0
        self.waits: list[float | None] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.waits.append(timeout)
        self.now += 1
        if (piece := self._pieces.pop(0)) is None:
            raise httpcore.ReadTimeout
        return piece


def wire_over(*pieces: bytes | None, head: bytes = HEAD) -> tuple[Wire, Connection]:
    """A wire whose answer's head has been read already."""
    parser = h11.Connection(h11.CLIENT)
    for event in (h11.Request(method="GET", target="/", headers=[("host", "x")]), h11.EndOfMessage()):
        parser.send(event)
    parser.receive_data(head)
    assert isinstance(parser.next_event(), h11.Response)
    connection = Connection(*pieces)
    return Wire(parser, connection, lambda: connection.now), connection


def test_a_wait_covers_all_reads_that_it_takes() -> None:
    wire, connection = wire_over(b"1", b"0", b"\r\n", None)
    assert wire.read(2.5) is None
    assert connection.waits == [2.5, 1.5, 0.5, 0.001]


def test_a_wait_that_brought_nothing_loses_nothing() -> None:
    wire, _ = wire_over(None, b"3\r", None, b"\none\r\n0\r\n", None, b"\r\n")
    assert [wire.read(9) for _ in range(6)] == [None, None, b"one", None, b"", b""]


def test_what_came_with_the_head_is_read_without_a_wait() -> None:
    wire, connection = wire_over(head=HEAD + b"3\r\none\r\n0\r\n\r\n")
    assert (wire.read(9), wire.read(9), connection.waits) == (b"one", b"", [])


def test_an_error_waits_until_what_came_before_it_is_taken() -> None:
    wire, _ = wire_over(b"3\r\none\r\nzz\r\n")
    assert wire.read(9) == b"one"
    for _ in range(2):
        with pytest.raises(httpcore.RemoteProtocolError):
            wire.read(9)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def upstream(certificate: tuple[Path, Path]) -> Iterator[HttpUpstream]:
    """One that trusts the certificate."""
    upstream = HttpUpstream()
    upstream._client._transport._pool._ssl_context = ssl.create_default_context(cafile=certificate[1])  # type: ignore[attr-defined]  # httpx's own
    yield upstream
    upstream._client.close()


def open_stream(upstream: HttpUpstream, server: Server) -> UpstreamStream:
    target = Target("fake", f"https://127.0.0.1:{server.port}", read_timeout_ms=20_000)
    return upstream.stream(target, "/x", b"{}", {}, None, 20)


class Records:
    """Answers with these records, each in two halves; `go` for each half but the first."""

    def __init__(self, certificate: tuple[Path, Path], *records: bytes) -> None:
        self._certificate = certificate
        self._records = records
        self._go = threading.Semaphore(1)

    def go(self) -> None:
        self._go.release()

    def __call__(self, peer: Peer) -> None:
        tls = TlsPeer(peer, *self._certificate)
        tls.request()
        for record in self._records:
            encrypted = tls.encrypted(record)
            for half in (encrypted[:-7], encrypted[-7:]):
                self._go.acquire(timeout=10)
                peer.send(half)


@pytest.mark.loopback
def test_half_a_tls_record_is_not_waited_for_longer_than_told_and_not_lost(
    upstream: HttpUpstream, certificate: tuple[Path, Path]
) -> None:
    records = Records(certificate, HEAD, b"3\r\none\r\n", b"0\r\n\r\n")
    records.go()
    records.go()
    with Server(records) as server:
        stream = open_stream(upstream, server)
        started = time.monotonic()
        assert stream.read(0.05) is None
        assert stream.read(0.05) is None
        assert time.monotonic() - started < 5
        records.go()
        assert stream.read() == b"one"
        records.go()
        assert stream.read(0.05) is None
        records.go()
        assert stream.read() == b""
        stream.close()


@pytest.mark.loopback
def test_a_read_over_tls_ends_when_another_thread_cancels_and_gives_nothing_undecrypted(
    upstream: HttpUpstream, certificate: tuple[Path, Path]
) -> None:
    records = Records(certificate, b"HTTP/1.1 200 OK\r\n\r\n", b"one", b"two")
    for _ in range(4):
        records.go()
    with Server(records) as server:
        stream = open_stream(upstream, server)
        assert stream.read() == b"one"
        timer = threading.Timer(0.1, stream.cancel)
        timer.start()
        started = time.monotonic()
        with pytest.raises(UpstreamError) as caught:
            stream.read()
        assert time.monotonic() - started < 8
        assert caught.value.outcome == "cut"
        timer.join()
        records.go()


@pytest.mark.loopback
def test_a_tls_connection_is_used_again_after_a_stream_that_ended(
    upstream: HttpUpstream, certificate: tuple[Path, Path]
) -> None:
    def behave(peer: Peer) -> None:
        tls = TlsPeer(peer, *certificate)
        for _ in range(3):
            assert tls.request()
            tls.send_encrypted(tls.encrypted(HEAD + b"3\r\none\r\n0\r\n\r\n"))

    twice: Behaviour = behave
    with Server(twice) as server:
        for _ in range(3):
            stream = open_stream(upstream, server)
            assert (stream.read(), stream.read()) == (b"one", b"")
            stream.close()
    assert server.connections == 1
