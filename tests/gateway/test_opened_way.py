"""A stream that nobody reads is neither held nor changed."""

from __future__ import annotations

from penstock.dialects.routes import opened_route
from penstock.errors import UpstreamError
from penstock.gateway.opened_way import OpenedWay

ROUTE = opened_route("audio", "POST", "/v1/audio/speech", "openai", "anthropic", 1024)


def test_pieces_leave_as_they_come() -> None:
    way = OpenedWay(ROUTE.dialect)
    assert (way.feed(b"\xff"), way.due(), way.close(), way.ending) == (b"\xff", b"", b"", b"")
    assert (way.denial, way.usage, way.has_failed, way.wait_ms()) == (None, None, False, None)
    assert way.finish(is_whole=True) is None


def test_an_error_is_an_event_of_the_dialect_that_is_spoken() -> None:
    said = OpenedWay(ROUTE.dialect).error(UpstreamError("It broke."), "r1")
    assert said.startswith(b"event: error")
