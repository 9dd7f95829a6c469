"""A stream is read until all have an answer; one to listen on, until its time is up."""

from __future__ import annotations

from penstock.gateway.mcp_streams import Until
from tests.upstream.streams import SILENCE, FakeStream


def test_what_is_done_is_read_no_further() -> None:
    done = [False]
    stream = FakeStream(b"one", b"two")
    source = Until(stream, lambda: done[0], lambda: 0.0, None)
    assert source.read(5) == b"one"
    done[0] = True
    assert source.read(5) == b""
    assert not stream.ended


def test_a_stream_to_listen_on_ends_cleanly_when_its_time_is_up() -> None:
    now = [0.0]
    stream = FakeStream(b"one", SILENCE)
    source = Until(stream, lambda: False, lambda: now[0], 300.0)
    assert source.read(10) == b"one"
    now[0] = 295.0
    assert source.read(10) is None
    assert stream.waits[-1] == 5.0
    now[0] = 300.0
    assert source.read(10) == b""


def test_it_can_be_cancelled_from_elsewhere() -> None:
    stream = FakeStream(SILENCE)
    Until(stream, lambda: False, lambda: 0.0, None).cancel()
    assert stream.cancelled
