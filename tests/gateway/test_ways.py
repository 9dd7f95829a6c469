"""Streams under a guard, held whole, and looked at in the end."""

from __future__ import annotations

import pytest

from penstock.gates.placement import Mode
from penstock.sdk import Allow, Block, Context, Decision, Response, Transform
from penstock.sdk.edits import Span
from tests.gates.fakes import TEXT, placement_of
from tests.gateway.streams import (
    DONE,
    HEAD,
    USAGE_CHUNK,
    WORDS,
    After,
    buffered,
    delta,
    event,
    finish,
    last_error,
    opened,
    refused,
    said,
    upstream,
    windowed,
)
from tests.gateway.world import World, error


def test_under_a_guard_a_silence_is_filled_with_comments() -> None:
    world = windowed(lambda r, _: Transform(r.text.sub("there", "<x>")))
    upstream(world, 25.0, *WORDS)
    chunks = list(opened(world).chunks)
    assert chunks[:2] == [b": keep-alive\n\n"] * 2
    assert said(b"".join(chunks)) == "Hello <x>."


def test_a_windowed_guard_edits_over_the_borders_of_events() -> None:
    world = windowed(lambda r, _: Transform(r.text.sub("bob", "<name>")))
    upstream(world, *(delta(letter) for letter in "I am bob and bobby."), finish(), USAGE_CHUNK, DONE)
    raw = b"".join(opened(world).chunks)
    assert said(raw) == "I am <name> and <name>by."
    assert raw.endswith(DONE)
    (record,) = world.record.placements
    assert (record.action, record.changed[0].edits) == ("transform", 2)


def test_a_guard_that_was_never_shown_anything_has_allowed_a_whole_answer() -> None:
    world = windowed(lambda *_: Allow())
    upstream(world, finish(), DONE)
    b"".join(opened(world).chunks)
    assert [(p.action, p.reason) for p in world.record.placements] == [("allow", None)]


def test_a_block_before_anything_left_is_a_clean_refusal() -> None:
    world = windowed(lambda r, _: Block("reason", at=Span(0, 1)) if any(r.text) else Allow())
    stream = upstream(world, *WORDS)
    response = refused(world)
    assert error(response) == (403, "guard.reason")
    assert stream.closed
    assert (world.record.outcome, world.record.code) == ("blocked", "guard.reason")


def test_a_block_in_the_middle_ends_the_stream_with_an_error_event() -> None:
    def stop(response: Response, _: Context) -> Decision:
        at = response.text[0].find("bomb") if len(response.text) else -1
        return Block("reason", at=Span(at, at + 4)) if at >= 0 else Allow()

    world = windowed(stop)
    long = "x" * 400
    upstream(world, delta(long), delta(long), delta("the bomb "), *WORDS)
    raw = b"".join(opened(world).chunks)
    assert last_error(raw) == "guard.reason"
    assert "bomb" not in said(raw)
    assert (long + long).startswith(said(raw)[:800])
    record = world.record
    assert (record.outcome, record.code, record.status) == ("blocked", "guard.reason", 200)
    assert [p.action for p in record.placements] == ["block"]
    assert [attempt.outcome for attempt in record.upstream] == ["stopped"]


def test_a_buffering_guard_sees_the_whole_and_nothing_leaves_before() -> None:
    seen: list[tuple[str, ...]] = []

    def look(response: Response, _: Context) -> Decision:
        seen.append(tuple(response.text))
        return Transform(response.text.map(str.upper))

    world = buffered(look)
    upstream(world, *WORDS)
    raw = b"".join(opened(world).chunks)
    assert seen == [("Hello there.",)]
    assert said(raw) == "HELLO THERE."
    assert raw.endswith(DONE)
    assert b'"usage"' in raw


def test_a_buffered_answer_that_nobody_changes_leaves_in_the_events_that_came() -> None:
    world = buffered(lambda *_: Allow())
    upstream(world, *WORDS)
    assert b"".join(opened(world).chunks) == b"".join(WORDS)


def test_an_edited_answer_whose_upstream_failed_ends_in_an_error_too() -> None:
    world = buffered(lambda r, _: Transform(r.text.map(str.upper)))
    own = event({"error": {"message": "overloaded", "type": "server_error"}})
    upstream(world, delta("Hello "), own)
    raw = b"".join(opened(world).chunks)
    assert said(raw) == "HELLO "
    assert last_error(raw) == "upstream_error"
    assert b"overloaded" not in raw


def test_what_an_upstream_says_of_its_failure_passes_no_guard_that_never_saw_it() -> None:
    world = buffered(lambda *_: Allow())
    upstream(world, delta("Hello "), event({"error": {"message": "no alice@example.com"}}), DONE)
    raw = b"".join(opened(world).chunks)
    assert said(raw) == "Hello "
    assert last_error(raw) == "upstream_error"
    assert b"alice" not in raw


def test_a_block_of_a_held_answer_is_a_clean_refusal() -> None:
    world = buffered(lambda *_: Block("reason"))
    upstream(world, *WORDS)
    assert error(refused(world)) == (403, "guard.reason")


def test_a_block_of_an_answer_that_was_held_for_long_is_an_error_event() -> None:
    world = buffered(lambda *_: Block("reason"))
    upstream(world, delta("Hello "), 12.0, *WORDS[1:])
    raw = b"".join(opened(world).chunks)
    assert raw.startswith(b": keep-alive\n\n")
    assert said(raw) == ""
    assert last_error(raw) == "guard.reason"


def test_an_independent_plugin_sees_the_final_text_once() -> None:
    seen: list[tuple[str, ...]] = []

    def look(response: Response, _: Context) -> Decision:
        seen.append(tuple(response.text))
        return Allow()

    world = World(
        {"watch": After(look)},
        placement_of("watch", moment="after_upstream", reads=(TEXT,), effects=()),
    )
    upstream(world, *WORDS)
    assert b"".join(opened(world).chunks) == b"".join(WORDS)
    assert seen == [("Hello there.",)]


def test_the_error_of_a_plugin_ends_the_stream_and_is_nobodys_content() -> None:
    def crash(response: Response, _: Context) -> Decision:
        raise ValueError(response.text[0])

    world = windowed(crash)
    upstream(world, *WORDS)
    response = refused(world)
    assert error(response) == (503, "plugin_unavailable")
    assert b"Hello" not in response.body


@pytest.mark.parametrize(
    "odd",
    [
        b": a comment\r\n\r\n",
        b"id: 7\ndata: no JSON\n\n",
        event({**HEAD, "choices": [{"index": 1.0, "delta": {"content": "two readings"}}]}),
        event({**HEAD, "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "c"}]}}]}),
    ],
)
def test_a_guard_in_shadow_has_no_part_in_what_leaves(odd: bytes) -> None:
    world = windowed(lambda r, _: Transform(r.text.sub("there", "<x>")), mode=Mode.SHADOW)
    upstream(world, delta("Hello "), odd, delta("there, and so on."), finish(), USAGE_CHUNK, DONE)
    raw = b"".join(opened(world).chunks)
    assert raw == b"".join([delta("Hello "), odd, delta("there, and so on."), finish(), USAGE_CHUNK, DONE])
    assert world.record.outcome == "answered"
    can_be_read = not (b"no JSON" in odd or b"readings" in odd)
    (record,) = world.record.placements
    told = ("skipped", "no_context", None)
    assert (record.action, record.reason, record.would) == (
        ("allow", None, "would_transform") if can_be_read else told
    )
