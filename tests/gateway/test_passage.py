"""The way of one request: every stage, what it refuses, what it changes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from penstock.errors import ConfigurationError
from penstock.sdk import Block, Context, Decision, Plugin, Request, Respond, Response, Transform
from tests.gates.fakes import TEXT, USER, placement_of
from tests.gateway.world import COMPLETION, Broken, World, error, said


class Before(Plugin):
    def __init__(self, answer: Callable[[Request, Context], Decision]) -> None:
        self.answer = answer

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        return self.answer(request, ctx)


class After(Plugin):
    def __init__(self, answer: Callable[[Response, Context], Decision]) -> None:
        self.answer = answer

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        return self.answer(response, ctx)


def guarded(answer: Callable[[Request, Context], Decision], **more: Any) -> World:
    return World({"guard": Before(answer)}, placement_of("guard", **more))


def test_an_answer_passes_unchanged_and_the_upstream_gets_its_own_model_name_and_key() -> None:
    world = World()
    response = world.chat("hello")
    assert (response.status, json.loads(response.body)) == (200, COMPLETION)
    url, body, headers, key = world.upstream.seen[0]
    assert url == "http://127.0.0.1:9/v1/chat/completions"
    assert json.loads(body) == {"model": "echo-one", "messages": [{"role": "user", "content": "hello"}]}
    assert (headers, key) == ({}, "provider-secret")
    assert response.headers["x-request-id"] == world.record.request_id
    assert "x-client-request-id" not in response.headers


def test_without_a_stored_intent_nothing_leaves() -> None:
    world = World()
    world.ledger = Broken()
    assert error(world.chat("hi")) == (503, "evidence_unavailable")
    assert world.upstream.seen == []


def test_a_blocked_request_never_reaches_the_upstream() -> None:
    world = guarded(lambda _, __: Block("reason"))
    response = world.chat("hi")
    assert error(response) == (403, "guard.reason")
    assert json.loads(response.body)["error"]["type"] == "plugin_blocked"
    assert world.upstream.seen == []
    assert "x-should-retry" not in response.headers
    assert (world.record.outcome, world.record.code) == ("blocked", "guard.reason")
    assert [p.action for p in world.record.placements] == ["block"]


def test_an_edited_request_reaches_the_upstream_edited_and_otherwise_as_it_came() -> None:
    world = guarded(lambda r, _: Transform(r.messages.user.sub("alice", "<name>")))
    world.post(
        b'{"model": "echo-1", "seed": 1234567890123456789012, "messages":[{"role":"user","content":"alice"}]}'
    )
    raw = world.upstream.seen[0][1]
    assert raw == (
        b'{"model": "echo-one", "seed": 1234567890123456789012, '
        b'"messages":[{"role":"user","content":"<name>"}]}'
    )


def test_an_edited_response_reaches_the_caller_edited() -> None:
    world = World(
        {"mask": After(lambda r, _: Transform(r.text.sub("Hello", "Bye")))},
        placement_of("mask", "after_upstream"),
    )
    assert said(world.chat("hi")) == "Bye there."


def test_respond_answers_without_an_upstream_and_passes_the_gate_after_it() -> None:
    world = World(
        {
            "cache": Before(lambda _, __: Respond.text("from memory")),
            "mask": After(lambda r, _: Transform(r.text.sub("memory", "<m>"))),
        },
        placement_of("cache"),
        placement_of("mask", "after_upstream"),
    )
    response = world.chat("hi")
    assert (response.status, said(response)) == (200, "from <m>")
    assert world.upstream.seen == []
    assert (world.record.upstream, world.record.outcome) == ([], "answered")


def test_a_block_after_the_upstream_keeps_its_answer_back_and_is_not_to_be_retried() -> None:
    world = World({"dlp": After(lambda _, __: Block("reason"))}, placement_of("dlp", "after_upstream"))
    response = world.chat("hi")
    assert error(response) == (403, "dlp.reason")
    assert response.headers["x-should-retry"] == "false"
    assert b"Hello" not in response.body
    assert world.record.usage.output_tokens == 3


def test_a_plugin_that_makes_the_request_too_large_is_stopped_by_the_control() -> None:
    world = guarded(lambda r, _: Transform(r.messages.user.map(lambda t: t * 90_000)))
    assert error(world.chat("hi")) == (413, "payload_too_large")
    assert world.upstream.seen == []
    assert world.record.code == "payload_too_large"


def test_headers_and_notes_of_plugins_travel_and_tags_are_recorded() -> None:
    def note(response: Response, _: Context) -> Decision:
        return Transform(response.metadata.set("verdict", "clean"), response.headers.set("x-plan", "gold"))

    def tag(request: Request, _: Context) -> Decision:
        return Transform(request.tags.set("team", "red"), request.headers.set("x-cost-center", "cc-1"))

    world = World(
        {"tag": Before(tag), "note": After(note)},
        placement_of(
            "tag",
            reads=(),
            writes=("request.tags", "request.headers.x-cost-center"),
            tags={"team": frozenset({"red"})},
        ),
        placement_of(
            "note", "after_upstream", reads=(), writes=("response.metadata", "response.headers.x-plan")
        ),
    )
    response = world.chat("hi", openai_beta="ignored")
    assert world.upstream.seen[0][2] == {"x-cost-center": "cc-1"}
    assert response.headers["x-penstock-meta-verdict"] == "clean"
    assert response.headers["x-plan"] == "gold"
    assert world.record.tags == {"team": "red"}


def test_models_are_refused_by_name_and_an_unknown_name_is_stored_as_a_digest() -> None:
    world = World()
    messages = [{"role": "user", "content": "hi"}]
    assert error(world.post({"model": "hidden-1", "messages": messages})) == (403, "model_not_allowed")
    assert error(world.post({"model": "canary-model", "messages": messages})) == (400, "model_not_found")
    assert [str(r.resource.model)[:5] for r, _ in world.stored] == ["hmac:", "hmac:"]
    assert world.upstream.seen == []


@pytest.mark.parametrize("name", ["models", "fallbacks"])
def test_no_other_way_leads_to_a_model_without_a_grant(name: str) -> None:
    world = World()
    assert error(world.chat("hi", **{name: ["hidden-1"]})) == (403, "model_not_allowed")
    assert (world.upstream.seen, world.record.resource.model) == ([], "echo-1")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (400, "invalid_request_body")),
        (b"{", (400, "invalid_request_body")),
        (b"[" * 100_000 + b"]" * 100_000, (413, "payload_too_large")),
        (b"[" * 5_000, (400, "invalid_request_body")),
        (b'{"model": "echo-1", "model": "echo-1", "messages": []}', (400, "invalid_request_body")),
        (b'{"model": "echo-1", "messages": [], "x": NaN}', (400, "invalid_request_body")),
        (
            b'{"model": "echo-1", "messages": [{"role":"user","content":"\\ud800"}]}',
            (400, "invalid_request_body"),
        ),
        (b'\xff{"model": "echo-1"}', (400, "invalid_request_body")),
        (b'{"model": 7, "messages": []}', (400, "invalid_request_body")),
        (b'{"model": "echo-1", "messages": "hi"}', (400, "invalid_request_body")),
        (b'{"model": "echo-1", "messages": [{"role": "user", "content": 7}]}', (400, "invalid_request_body")),
        (b'{"model": "echo-1", "messages": [7]}', (400, "invalid_request_body")),
        (b'{"model": "echo-1", "x": ' + b"1" * 5_000 + b', "messages": []}', (400, "invalid_request_body")),
        (b'{"model": "echo-1", "stream": 1, "messages": []}', (400, "invalid_request_body")),
        (b"x" * 100_001, (413, "payload_too_large")),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_bad_input_is_a_clear_answer_and_leaves_a_record(body: bytes, expected: tuple[int, str]) -> None:
    world = World()
    assert error(world.post(body)) == expected
    assert world.record.code == expected[1]
    assert world.record.status == expected[0]
    assert world.upstream.seen == []


def test_a_gzip_body_is_read_and_a_gzip_bomb_is_refused() -> None:
    world = World()
    plain = json.dumps({"model": "echo-1", "messages": [{"role": "user", "content": "hi"}]}).encode()
    assert world.post(gzip.compress(plain), content_encoding="gzip").status == 200
    bomb = gzip.compress(b"0" * 50_000_000)
    assert error(world.post(bomb, content_encoding="gzip")) == (413, "payload_too_large")


def test_models_lists_what_the_key_may_use() -> None:
    world = World()
    listed = json.loads(world.send("GET", "/v1/models").body)
    assert [model["id"] for model in listed["data"]] == ["echo-1"]
    assert json.loads(world.send("GET", "/v1/models/echo-1").body)["id"] == "echo-1"
    assert error(world.send("GET", "/v1/models/hidden-1")) == (404, "model_not_found")


def test_a_guard_over_text_sees_every_message_it_was_granted() -> None:
    seen: list[str] = []

    def look(request: Request, _: Context) -> Decision:
        seen.extend(request.messages.user)
        return Transform()

    guarded(look, reads=(USER,)).chat("one", "two")
    assert seen == ["one", "two"]


def test_reading_the_response_sees_usage_and_status() -> None:
    seen: list[Any] = []

    def look(response: Response, _: Context) -> Decision:
        seen.extend((response.status, dict(response.usage), list(response.text)))
        return Transform()

    world = World(
        {"look": After(look)},
        placement_of("look", "after_upstream", reads=(TEXT, "response.status", "response.usage")),
    )
    world.chat("hi")
    assert seen[0] == 200
    assert seen[1]["input_tokens"] == 7
    assert seen[2] == ["Hello there."]


@pytest.mark.parametrize("store", ["ledger", "outbox"])
def test_a_store_that_is_not_there_is_no_less_a_503_and_never_retried_after_the_upstream(store: str) -> None:
    world = World()

    def absent(*_: object) -> None:
        raise ConfigurationError("the queue", "does not exist.")

    if store == "outbox":
        world.outbox = absent
    else:
        world.ledger.open_intent = absent
    response = world.chat("hi")
    assert error(response) == (503, "evidence_unavailable")
    assert ("x-should-retry" in response.headers) == (store == "outbox")
    assert b"queue" not in response.body


def test_what_the_caller_did_wrong_is_blocked_by_a_control_and_not_a_failure() -> None:
    world = World()
    world.post(b"{")
    assert (world.record.outcome, world.record.code) == ("blocked", "invalid_request_body")
    assert [(c.stage, c.decision) for c in world.record.controls] == [
        ("authentication", "allow"),
        ("request", "deny"),
    ]


def test_plugins_see_what_the_controls_decided_and_which_headers_go_to_the_caller() -> None:
    seen: list[Any] = []

    def look(response: Response, _: Context) -> Decision:
        seen.extend((response.headers.get("retry-after"), response.request.decisions[0]["control"]))
        return Transform(response.headers.remove("retry-after"))

    field = "response.headers.retry-after"
    world = World(
        {"look": After(look)},
        placement_of("look", "after_upstream", reads=("decisions", field), writes=(field,)),
    )
    world.upstream.headers = {"retry-after": "7"}
    response = world.chat("hi")
    assert seen == ["7", "authentication"]
    assert "retry-after" not in response.headers


def test_headers_and_notes_are_bounded_together() -> None:
    def shout(response: Response, _: Context) -> Decision:
        return Transform(*(response.metadata.set(f"note-{n}", "x" * 900) for n in range(5)))

    world = World(
        {"shout": After(shout)},
        placement_of("shout", "after_upstream", reads=(), writes=("response.metadata",)),
    )
    assert error(world.chat("hi")) == (503, "plugin_unavailable")
    assert [(p.action, p.failure) for p in world.record.placements] == [("fail", "contract")]


def test_a_guard_of_answers_is_not_shown_what_an_answer_repeats_of_its_request() -> None:
    shown: list[str] = []

    def look(response: Response, _: Context) -> Decision:
        shown.extend(response.text)
        return Transform(response.text.sub("bob", "<name>"))

    grants = {"reads": (TEXT,), "writes": (TEXT,), "effects": ("transform",)}
    world = World({"guard": After(look)}, placement_of("guard", moment="after_upstream", **grants))
    part = {"type": "output_text", "text": "bob answers", "annotations": []}
    item = {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    world.upstream.body = {"id": "r", "instructions": "Be kind to bob.", "output": [item], "user": "bob!"}
    body = {"model": "echo-1", "instructions": "Be kind to bob.", "input": "hi"}
    answer = json.loads(world.send("POST", "/v1/responses", json.dumps(body).encode()).body)
    assert shown == ["bob answers", "bob!"]
    assert answer["instructions"] == "Be kind to bob."
    assert answer["output"][0]["content"][0]["text"] == "<name> answers"
    assert answer["user"] == "<name>!"
