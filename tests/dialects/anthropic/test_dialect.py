from __future__ import annotations

from typing import Final

import pytest

from penstock.dialects.anthropic.dialect import Anthropic
from penstock.dialects.anthropic.stream_guarded import GuardedStream
from penstock.dialects.anthropic.stream_passing import PassingStream
from penstock.dialects.dialect import Dialect
from tests.dialects.anthropic.streaming import FakeGuard
from tests.fixtures.anthropic.streams import Stream, stream, streams

DIALECT: Final = Anthropic()


@pytest.mark.parametrize("each", streams(), ids=str)
def test_what_leaves_a_stream_can_be_collected_at_its_end(each: Stream) -> None:
    for streaming in (DIALECT.streaming(), DIALECT.streaming(FakeGuard(held_chars=3))):
        collecting = DIALECT.collecting()
        for left in (streaming.feed(each.body), streaming.close(), streaming.ending):
            collecting.feed(left)
        collecting.close()
        assert collecting.response().tree == each.unary
        assert (collecting.usage, collecting.has_failed) == (streaming.usage, streaming.has_failed)


def test_it_is_a_dialect_to_the_gateway() -> None:
    seam: Dialect = DIALECT
    assert seam.name == "anthropic"


def test_without_a_guard_a_stream_passes() -> None:
    assert isinstance(DIALECT.streaming(), PassingStream)
    assert isinstance(DIALECT.streaming(FakeGuard()), GuardedStream)


def test_a_stream_says_its_usage_whether_it_is_asked_for_or_not() -> None:
    body = stream("text").body
    streaming, collecting = DIALECT.streaming(hide_usage=True), DIALECT.collecting(hide_usage=True)
    assert streaming.feed(body) + streaming.close() + streaming.ending == body
    collecting.feed(body)
    assert collecting.events(collecting.response()) == body


def test_a_caller_speaks_with_the_version_that_it_sent() -> None:
    sent = {"anthropic-version": "2023-06-01", "anthropic-beta": "context-1m-2025-08-07", "x-api-key": "k"}
    assert Anthropic().forwarded_headers(sent) == {
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "context-1m-2025-08-07",
    }
