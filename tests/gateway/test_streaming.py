"""A streamed answer through the gateway: every way to begin, to go on and to end, and its record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from penstock.errors import UpstreamError, UpstreamTimeoutError
from penstock.gateway.http import HttpStream
from penstock.gateway.streaming import LINGER_S
from penstock.sdk import Allow, Context, Decision, Response
from tests.gates.fakes import placement_of
from tests.gateway.streams import (
    DONE,
    WORDS,
    After,
    Before,
    buffered,
    delta,
    event,
    last_error,
    opened,
    refused,
    said,
    upstream,
    windowed,
)
from tests.gateway.world import COMPLETION, Broken, World, error
from tests.upstream.streams import SILENCE, Step


def test_unguarded_events_pass_as_they_came() -> None:
    world = World()
    raw = b": hi\r\n\r\n" + b"".join(WORDS).replace(b"data: {", b"data:  {", 1)
    upstream(world, raw[:30], raw[30:77], raw[77:])
    response = opened(world)
    assert response.status == 200
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["x-request-id"].startswith("0190a5b2")
    assert b"".join(response.chunks) == raw
    record = world.record
    assert (record.stream, record.outcome, record.status) == (True, "answered", 200)
    assert (record.usage.input_tokens, record.cost_nanousd) == (7, 29)
    assert record.timing.time_to_first_byte_ms is not None
    assert [attempt.outcome for attempt in record.upstream] == ["answered"]


def test_the_intent_says_that_it_is_a_stream() -> None:
    world = World()
    upstream(world, *WORDS)
    opened(world)
    (intent,) = world.ledger.open_before(1 << 62)
    assert intent.facts["stream"] is True


def test_the_end_only_leaves_once_the_outcome_is_stored() -> None:
    world = World()
    upstream(world, *WORDS)
    response, sent = opened(world), bytearray()
    stored_after: list[bytes] = []
    world.outbox = lambda record, plugins: stored_after.append(bytes(sent))
    for chunk in response.chunks:
        sent += chunk
    (before,) = stored_after
    assert said(before) == "Hello there."
    assert b'"stop"' not in before
    assert DONE not in before
    assert bytes(sent) == b"".join(WORDS)


def test_an_outcome_that_cannot_be_stored_takes_the_end_away() -> None:
    world = World()
    upstream(world, *WORDS)
    response = opened(world)
    world.outbox = Broken().send
    raw = b"".join(response.chunks)
    assert said(raw) == "Hello there."
    assert last_error(raw) == "evidence_unavailable"
    assert b'"stop"' not in raw


WAYS = {
    "nobody": World,
    "windowed": lambda: windowed(lambda *_: Allow()),
    "buffered": lambda: buffered(lambda *_: Allow()),
}
EVERY_WAY = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


@EVERY_WAY
@pytest.mark.parametrize(
    "after",
    [(SILENCE,), (UpstreamError("cut", outcome="cut"),), (UpstreamTimeoutError("slow"),)],
    ids=["open", "broken", "late"],
)
def test_an_answer_ends_with_its_terminator_whatever_its_connection_does(
    way: Callable[[], World], after: tuple[Step, ...]
) -> None:
    world = way()
    stream = upstream(world, *WORDS, *after)
    response = world.stream()
    raw = b"".join(response.chunks) if isinstance(response, HttpStream) else b""
    assert said(raw) == "Hello there."
    assert raw.endswith(DONE)
    assert (world.record.outcome, world.record.cause) == ("answered", None)
    assert [attempt.outcome for attempt in world.record.upstream] == ["answered"]
    assert world.record.usage.output_tokens == 3
    assert stream.closed


@EVERY_WAY
def test_what_comes_after_the_terminator_is_read_away_and_never_leaves(way: Callable[[], World]) -> None:
    world = way()
    late = event({"error": {"message": "late", "type": "x"}})
    stream = upstream(world, *WORDS[:-1], DONE + late, delta("late"), b"data: {")
    raw = b"".join(opened(world).chunks)
    assert raw.endswith(DONE)
    assert b"late" not in raw
    assert world.record.outcome == "answered"
    assert stream.ended  # so its connection can be used again


def test_an_end_is_waited_for_no_longer_than_the_next_packet_takes() -> None:
    world = World()
    stream = upstream(world, *WORDS, SILENCE)
    b"".join(opened(world).chunks)
    assert stream.waits[-1] is not None
    assert stream.waits[-1] <= LINGER_S


@pytest.mark.parametrize("way", [WAYS["nobody"], WAYS["windowed"]], ids=["nobody", "windowed"])
def test_a_caller_that_leaves_with_the_last_words_has_not_had_the_answer(way: Callable[[], World]) -> None:
    world = way()
    upstream(world, b"".join(WORDS), SILENCE)
    chunks = opened(world).chunks
    assert said(next(iter(chunks)))
    chunks.close()  # type: ignore[attr-defined]  # a generator's
    assert world.record.outcome == "disconnected"


def test_a_caller_that_leaves_while_the_end_is_waited_for_has_left() -> None:
    world = World()
    leaving: list[HttpStream] = []

    def leave() -> None:
        leaving[0].cancel()

    upstream(world, delta("Hello "), *WORDS[1:], leave, SILENCE)
    leaving.append(response := opened(world))
    assert DONE not in b"".join(response.chunks)
    assert world.record.outcome == "disconnected"


def test_a_stream_that_is_over_before_anything_left_is_withheld_whole() -> None:
    world = buffered(lambda *_: Allow())
    upstream(world, *WORDS)
    world.outbox = Broken().send
    response = refused(world)
    assert error(response) == (503, "evidence_unavailable")
    assert response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("failure", [UpstreamError("cut", outcome="cut"), UpstreamTimeoutError("slow")])
def test_an_upstream_that_breaks_off_ends_the_stream_with_an_error_event(failure: UpstreamError) -> None:
    world = World()
    stream = upstream(world, delta("Hello "), failure)
    raw = b"".join(opened(world).chunks)
    assert raw.startswith(delta("Hello "))
    assert last_error(raw) == failure.code
    assert (world.record.outcome, world.record.status) == ("failed", 200)
    assert [attempt.outcome for attempt in world.record.upstream] == [failure.outcome]
    assert stream.closed


def test_an_end_without_an_ended_choice_is_a_break() -> None:
    world = World()
    upstream(world, delta("Hello "), delta("th"))
    raw = b"".join(opened(world).chunks)
    assert last_error(raw) == "upstream_error"
    assert world.record.cause == "cut"


def test_an_upstream_that_breaks_before_its_first_event_is_a_clean_error() -> None:
    world = World()
    upstream(world, UpstreamError("cut", outcome="cut"))
    response = refused(world)
    assert error(response) == (502, "upstream_error")
    assert response.headers["x-should-retry"] == "false"
    assert (world.record.status, world.record.outcome) == (502, "failed")


def test_a_failure_of_the_upstream_in_its_own_words_passes() -> None:
    world = World()
    own = event({"error": {"message": "overloaded", "type": "server_error"}})
    upstream(world, delta("Hello "), own)
    raw = b"".join(opened(world).chunks)
    assert raw == delta("Hello ") + own
    assert (world.record.outcome, world.record.cause) == ("failed", "stream_error")


def test_a_silent_upstream_lets_the_headers_go_after_ten_seconds() -> None:
    world = World()
    upstream(world, 25.0, *WORDS)
    chunks = list(opened(world).chunks)
    assert chunks[:2] == [b"", b""]
    assert b"".join(chunks) == b"".join(WORDS)


def test_a_caller_that_leaves_is_a_record_and_closes_the_upstream() -> None:
    world = World()
    stream = upstream(world, *WORDS)
    response = opened(world)
    chunks = response.chunks
    assert isinstance(chunks, Iterator)
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]  # a generator's
    assert stream.closed
    assert (world.record.outcome, world.record.status) == ("disconnected", 200)
    assert [attempt.outcome for attempt in world.record.upstream] == ["stopped"]


def test_a_caller_that_leaves_in_a_silence_ends_the_wait() -> None:
    world = World()
    leaving: list[HttpStream] = []

    def leave() -> None:
        leaving[0].cancel()

    stream = upstream(world, delta("Hello "), leave, SILENCE)
    leaving.append(response := opened(world))
    assert list(response.chunks) == [delta("Hello ")]
    assert stream.cancelled
    assert world.record.outcome == "disconnected"


def test_an_upstream_that_does_not_stream_is_streamed_to_the_caller() -> None:
    world = World()
    upstream(world, json.dumps(COMPLETION).encode(), headers={"content-type": "application/json"})
    raw = b"".join(opened(world, stream_options={"include_usage": True}).chunks)
    assert said(raw) == "Hello there."
    assert raw.endswith(DONE)
    assert b'"prompt_tokens":7' in raw.replace(b" ", b"")
    assert world.record.usage.input_tokens == 7


def test_a_refusal_of_the_upstream_is_no_stream() -> None:
    world = World()
    body = json.dumps({"error": {"message": "slow down", "type": "x", "code": "rate", "param": None}})
    upstream(world, body.encode(), status=429, headers={"content-type": "application/json"})
    response = refused(world)
    assert (response.status, json.loads(response.body)["error"]["message"]) == (429, "slow down")


def test_a_plugin_that_answers_is_streamed() -> None:
    world = World({"cache": Before()}, placement_of("cache", effects=("respond",)))
    raw = b"".join(opened(world).chunks)
    assert said(raw) == "From the cache."
    assert raw.endswith(DONE)
    assert world.upstream.seen == []


def test_a_store_that_fails_when_the_caller_leaves_raises_nothing() -> None:
    world = World()
    upstream(world, *WORDS)
    chunks = opened(world).chunks
    next(chunks)
    world.outbox = Broken().send
    chunks.close()  # type: ignore[attr-defined]  # a generator's


def test_the_waiting_is_not_counted_as_the_gateways_own_time() -> None:
    world = World()
    upstream(world, delta("a"), 4.0, *WORDS)
    for _ in opened(world).chunks:
        world.pass_time(2.0)
    assert world.record.timing.total_ms >= 10_000
    assert world.record.timing.overhead_ms < 2_000


@pytest.mark.parametrize(
    "more",
    [{}, {"stream": "window", "window_chars": 8, "effects": ("block", "record")}],
    ids=["independent", "windowed"],
)
def test_who_looks_at_the_end_is_told_what_it_cost(more: dict[str, Any]) -> None:
    seen: list[dict[str, int]] = []

    def look(response: Response, ctx: Context) -> Decision:
        seen.append(dict(response.usage))
        ctx.record("found", 1)
        return Allow()

    reads = ("response.text", "response.usage")
    placement = placement_of("look", moment="after_upstream", reads=reads, **{"effects": ("record",), **more})
    world = World({"look": After(look)}, placement)
    upstream(world, *WORDS)
    assert list(opened(world).chunks)
    assert seen[-1] == {"input_tokens": 7, "output_tokens": 3, "cached": 0, "reasoning": 0}
