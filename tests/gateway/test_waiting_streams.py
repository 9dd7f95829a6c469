"""Background plugins without which no stream ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from penstock.errors import FailureClass
from penstock.evidence.record import WAITED_FAILED
from penstock.gateway.http import HttpResponse
from penstock.sdk import Allow
from tests.gates.fakes import TEXT, placement_of
from tests.gateway.streams import DONE, WORDS, After, delta, last_error, opened, said, upstream
from tests.gateway.waits import Function, Functions, about, placed, raises, takes, with_waiting
from tests.gateway.world import World


def streaming(kind: str, function: Function, **more: Any) -> tuple[World, Functions]:
    placement = placed(**more)
    if kind == "pass":
        return with_waiting(World({}, placement), placement, export=function)
    way: dict[str, Any] = {"stream": kind, "window_chars": 8 if kind == "window" else None}
    fields: dict[str, Any] = {"reads": (TEXT,), "writes": (TEXT,), "effects": ("block", "transform")}
    guard = placement_of("guard", moment="after_upstream", **fields, **way)
    world = World({"guard": After(lambda *_: Allow())}, guard, placement)
    return with_waiting(world, guard, placement, export=function)


@pytest.mark.parametrize("kind", ["pass", "window", "buffer"])
def test_the_end_of_a_stream_leaves_once_the_plugin_has_taken_its_outcome(kind: str) -> None:
    world, called = streaming(kind, takes)
    upstream(world, *WORDS)
    raw = read(world)
    assert said(raw) == "Hello there."
    assert raw.endswith(DONE)
    assert len(called.events) == 1


def test_the_terminator_of_a_stream_waits_for_it() -> None:
    over = threading.Event()
    world, called = streaming("pass", lambda event: over.wait(20) and takes(event), timeout_ms=9_000)
    upstream(world, *WORDS)
    chunks = opened(world).chunks
    left = b""
    for chunk in chunks:
        left += chunk
        if b"there." in left:
            break
    assert DONE not in left
    assert called.events == []
    threading.Timer(0.05, over.set).start()
    assert b"".join(chunks).endswith(DONE)


@pytest.mark.parametrize("kind", ["pass", "window"])
def test_a_stream_that_it_did_not_take_ends_with_an_error_and_no_terminator(kind: str) -> None:
    world, _ = streaming(kind, raises(FailureClass.UNAVAILABLE))
    upstream(world, delta("Hello " * 80), *WORDS)
    raw = read(world)
    assert said(raw).startswith("Hello")
    assert last_error(raw) == "plugin_unavailable"
    amendment = world.stored[1][0]
    assert (amendment.status, amendment.outcome, amendment.code) == (200, "failed", "plugin_unavailable")


def test_a_held_stream_that_it_did_not_take_is_a_clean_refusal() -> None:
    world, _ = streaming("buffer", raises(FailureClass.UNAVAILABLE))
    upstream(world, *WORDS)
    response = world.stream()
    raw = response.body if isinstance(response, HttpResponse) else b"".join(response.chunks)
    assert b"Hello" not in raw
    assert b"plugin_unavailable" in raw
    assert world.stored[1][0].status == response.status


def test_a_stream_goes_on_without_it_where_failure_is_allowed() -> None:
    world, _ = streaming("pass", raises(FailureClass.UNAVAILABLE), on_error="allow")
    upstream(world, *WORDS)
    assert read(world).endswith(DONE)
    assert world.stored[1][0].cause == WAITED_FAILED


def test_for_a_caller_who_has_gone_nobody_waits() -> None:
    world, called = streaming("pass", takes)
    upstream(world, *WORDS)
    chunks = opened(world).chunks
    next(iter(chunks))
    close(chunks)
    assert called.events == []
    record = about(world.record)
    assert (record.action, record.path) == ("dispatched", "background")


def read(world: World) -> bytes:
    response = world.stream()
    return response.body if isinstance(response, HttpResponse) else b"".join(response.chunks)


def close(chunks: Iterator[bytes]) -> None:
    getattr(chunks, "close")()  # noqa: B009 - an iterator that a caller leaves is a generator
