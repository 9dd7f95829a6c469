"""Streams of a server, message by message."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.gateway.http import HttpStream
from tests.dialects.mcp import bodies
from tests.gateway.mcp_world import (
    ACCEPT,
    SEARCH,
    McpWorld,
    blocking,
    code_of,
    event,
    events_of,
    masking,
    opened,
    streamed,
)
from tests.gateway.world import Broken
from tests.upstream.streams import SILENCE


def test_each_message_of_a_stream_passes_the_gate() -> None:
    world = masking()
    progress = bodies.notification(
        "notifications/progress", progressToken=1, progress=1, message="a secret step"
    )
    ask = bodies.request(
        "elicitation/create", "s-1", message="Your secret?", requestedSchema={"type": "object"}
    )
    world.reply(streamed(event(progress, "1"), event(ask, "2") + event(bodies.text_result("secret"), "3")))
    response = world.mcp_post(bodies.call(q="x"))
    assert response.headers["content-type"] == "text/event-stream"
    said = events_of(response)
    assert said[0]["params"]["message"] == "a <s> step"
    assert said[1]["params"]["message"] == "Your <s>?"
    assert said[2]["result"]["content"][0]["text"] == "<s>"
    assert b"secret" not in response.body
    after = world.record.placements[1]
    assert (after.action, after.calls, after.changed[0].edits) == ("transform", 3, 3)


def test_a_blocked_message_ends_the_stream_for_who_waits() -> None:
    world, _ = blocking()
    fine = bodies.notification("notifications/message", level="info", data="fine")
    bad = bodies.notification("notifications/message", level="info", data="bad words")
    world.reply(streamed(event(fine), event(bad), event(bodies.text_result("never"))))
    response = world.mcp_post(bodies.call(q="x"))
    said = events_of(response)
    assert [each.get("id") for each in said] == [None, 1]
    assert said[1]["result"]["_meta"]["penstock/code"] == "guard.reason"
    assert b"words" not in response.body
    assert b"never" not in response.body
    assert (world.record.outcome, world.record.code) == ("blocked", "guard.reason")


def test_a_list_is_filtered_in_a_stream_too() -> None:
    world = McpWorld()
    world.reply(streamed(event(bodies.result(tools=[SEARCH, {**SEARCH, "name": "new"}]))))
    listed = events_of(world.mcp_post(bodies.request("tools/list")))[0]["result"]["tools"]
    assert [tool["name"] for tool in listed] == ["search"]


@pytest.mark.parametrize(
    "steps",
    [
        [event(bodies.text_result("x", request_id=2))],
        [event(bodies.text_result("x", request_id="1"))],
        [event(b"<html>")],
        [],
    ],
)
def test_an_answer_to_nothing_that_was_asked_is_no_answer(steps: list[bytes]) -> None:
    world = McpWorld()
    world.reply(streamed(*steps))
    assert code_of(world.mcp_post(bodies.call())) == (200, "upstream_error")


def test_a_stream_that_breaks_off_ends_with_an_error_for_who_waits() -> None:
    world = McpWorld()
    world.reply(streamed(event(bodies.notification("notifications/message", level="info", data="x"))))
    said = events_of(world.mcp_post(bodies.call()))
    assert [each.get("id") for each in said] == [None, 1]
    assert said[1]["error"]["data"]["code"] == "upstream_error"
    assert (world.record.outcome, world.record.upstream[-1].outcome) == ("failed", "cut")


def test_a_message_leaves_before_the_next_is_made_and_the_answer_once_the_record_is_stored() -> None:
    world = McpWorld()
    progress = bodies.notification("notifications/progress", progressToken=1, progress=1)
    left: list[int] = []
    world.reply(
        streamed(event(progress), lambda: left.append(len(world.stored)), event(bodies.text_result("ok")))
    )
    given = {"content_type": "application/json", "accept": ACCEPT}
    response = world.handled("POST", "/mcp/files", bodies.call(), given)
    assert isinstance(response, HttpStream)
    chunks = iter(response.chunks)
    assert b"progress" in next(chunks)
    assert (left, world.stored) == ([], [])
    assert b"ok" in b"".join(chunks)
    assert (left, len(world.stored)) == ([0], 1)
    assert world.record.stream


def test_an_answer_ends_the_stream_though_the_server_leaves_it_open() -> None:
    world = McpWorld()
    stream = streamed(event(bodies.text_result("ok")), SILENCE)
    world.reply(stream)
    assert events_of(world.mcp_post(bodies.call())) == [json.loads(bodies.text_result("ok"))]
    assert stream.closed


def test_without_a_stored_outcome_the_answer_of_a_stream_is_withheld() -> None:
    world = McpWorld()
    progress = bodies.notification("notifications/progress", progressToken=1, progress=1)
    world.reply(streamed(event(progress), event(bodies.text_result("payload"))))
    world.outbox = Broken().send
    said = events_of(world.mcp_post(bodies.call()))
    assert said[-1]["error"]["data"]["code"] == "evidence_unavailable"
    assert "payload" not in str(said)


def test_a_caller_that_goes_closes_the_server_s_stream_and_leaves_a_record() -> None:
    world = McpWorld()
    progress = bodies.notification("notifications/progress", progressToken=1, progress=1)
    stream = streamed(event(progress), SILENCE)
    world.reply(stream)
    given = {"content_type": "application/json", "accept": ACCEPT}
    response = world.handled("POST", "/mcp/files", bodies.call(), given)
    assert isinstance(response, HttpStream)
    next(response.chunks)
    response.chunks.close()  # type: ignore[attr-defined]  # a generator, as the runtime closes it
    assert stream.closed
    assert world.record.outcome == "disconnected"


def test_comments_and_names_of_events_carry_nothing() -> None:
    world = McpWorld()
    said = b": secret comment\n\nevent: secret\ndata: {}\n\nsecret: x\n" + event(bodies.text_result("ok"))
    world.reply(streamed(said))
    response = world.mcp_post(bodies.call())
    assert events_of(response) == [json.loads(bodies.text_result("ok"))]
    assert b"secret" not in response.body


def test_a_stream_goes_on_where_it_broke_off_for_the_key_that_had_it() -> None:
    world = McpWorld()
    token = opened(world)
    world.reply(streamed(b"id: e-1\nretry: 500\ndata:\n\n"))
    response = world.mcp_post(bodies.call(), mcp_session_id=token)
    lines = dict(line.split(": ", 1) for line in response.body.decode().splitlines() if ": " in line)
    assert lines["retry"] == "500"
    event_id = lines["id"]
    assert event_id != "e-1"
    world.server.seen.clear()
    world.reply(streamed(event(bodies.text_result("Hello."), "e-2")))
    for who in ({"key": world.other}, {"last_event_id": "e-1"}):
        given: dict[str, Any] = {"accept": "text/event-stream", "last_event_id": event_id, **who}
        assert world.send("GET", "/mcp/files", mcp_session_id=token, **given).status in {400, 404}
    assert world.server.seen == []
    again = world.send("GET", "/mcp/files", mcp_session_id=token, last_event_id=event_id)
    assert events_of(again) == [json.loads(bodies.text_result("Hello."))]
    assert world.server.sent.headers["last-event-id"] == "e-1"


def test_listening_is_closed_unless_it_is_configured() -> None:
    world = McpWorld()
    assert code_of(world.send("GET", "/mcp/files")) == (405, "mcp_listen_not_allowed")
    assert code_of(world.mcp_post(bodies.request("subscriptions/listen"))) == (200, "mcp_method_not_allowed")
    assert world.server.seen == []


def test_on_a_stream_to_listen_on_a_blocked_message_is_left_out() -> None:
    world, _ = blocking(server={"listen": True})
    bad = bodies.notification("notifications/message", level="info", data="bad")
    fine = bodies.notification("notifications/message", level="info", data="fine")
    world.reply(streamed(event(bad), event(fine)))
    assert [each["params"]["data"] for each in events_of(world.send("GET", "/mcp/files"))] == ["fine"]
    assert world.record.placements[1].action == "block"


def test_a_stateless_client_opens_no_stream_by_get() -> None:
    world = McpWorld(server={"listen": True})
    response = world.send("GET", "/mcp/files", mcp_protocol_version="2026-07-28")
    assert response.status == 405
