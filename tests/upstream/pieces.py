"""What the tests of streams share: a server that sends in steps, and a stream that is opened to it."""

from __future__ import annotations

import threading
import time

from penstock.upstream.stream import UpstreamStream
from tests.upstream.server import KEY, Behaviour, Peer, Server, shared_upstream

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
UNFRAMED = HEAD + b"\r\n"
LAST = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def open_stream(server: Server, *, seconds: float = 20, **target: object) -> UpstreamStream:
    return shared_upstream().stream(server.target(**target), "/x", b'{"stream":true}', {}, KEY, seconds)


def rest_of(stream: UpstreamStream, wait_s: float | None = None) -> bytes:
    """All that comes, however often nothing came meanwhile."""
    whole = b""
    while (piece := stream.read(wait_s)) != b"":
        whole += piece or b""
    return whole


class Steps:
    """A server's answer in parts, each sent when the test says. `gone`: the client did not wait for all."""

    def __init__(self, *parts: bytes) -> None:
        self._parts = parts
        self._go = threading.Semaphore(0)
        self.gone = threading.Event()

    def go(self) -> None:
        self._go.release()

    def __call__(self, peer: Peer) -> None:
        peer.request()
        for part in self._parts:
            while not self._go.acquire(timeout=0.02):
                if peer.gone(0.001):
                    self.gone.set()
                    return
            peer.send(part)


def ending(*parts: bytes, reset: bool = False) -> Behaviour:
    """Send the parts as they are, then hang up."""

    def behave(peer: Peer) -> None:
        peer.request()
        for part in parts:
            peer.send(part)
        if reset:
            time.sleep(0.2)  # what was sent is read first: a reset throws away what was not
            peer.reset()

    return behave
