"""Calling the upstream: what is passed on, what is ours to report, and what each attempt leaves behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from penstock.errors import UpstreamError, UpstreamTimeoutError
from penstock.sdk import Context, Decision, Plugin, Response, Transform
from tests.gates.fakes import placement_of
from tests.gateway.world import COMPLETION, Broken, World, error


class After(Plugin):
    def __init__(self, answer: Callable[[Response, Context], Decision]) -> None:
        self.answer = answer

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        return self.answer(response, ctx)


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (UpstreamError("down"), (502, "upstream_error")),
        (UpstreamTimeoutError("slow"), (504, "upstream_timeout")),
    ],
)
def test_an_upstream_that_fails_leaves_a_record_and_is_not_retried(
    failure: UpstreamError, expected: tuple[int, str]
) -> None:
    world = World()
    world.upstream.error = failure
    response = world.chat("hi")
    assert error(response) == expected
    assert response.headers["x-should-retry"] == "false"
    assert [u.outcome for u in world.record.upstream] == [failure.outcome]
    assert world.record.outcome == "failed"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"error": {"message": "bad", "type": "invalid", "code": "too_many", "param": None}}, 400),
        (429, {"error": {"message": "slow down", "type": "rate", "code": None, "param": None}}, 429),
        (401, {"error": {"message": "Incorrect API key provided: sk-123"}}, 502),
        (500, {"error": {"message": "oops"}}, 502),
        (200, b"<html>", 502),
        (200, b'["a list"]', 502),
        (200, b'{"a": 1, "a": 2}', 502),
        (204, b"", 502),
    ],
)
def test_what_an_upstream_says_about_the_request_is_passed_on_and_other_failures_are_ours(
    status: int, body: Any, expected: int
) -> None:
    world = World()
    world.upstream.status, world.upstream.body = status, body
    response = world.chat("hi")
    assert response.status == expected
    if expected in {400, 429}:
        assert json.loads(response.body) == body
    else:
        assert error(response) == (502, "upstream_error")
        assert b"sk-123" not in response.body
    assert ("x-should-retry" in response.headers) == (expected != 429)
    assert world.record.outcome == "failed"


def test_an_upstreams_error_text_passes_the_guard_like_an_answer() -> None:
    world = World(
        {"mask": After(lambda r, _: Transform(r.text.sub("alice", "<name>")))},
        placement_of("mask", "after_upstream"),
    )
    world.upstream.status = 400
    world.upstream.body = {
        "error": {"message": "no such user: alice", "type": "x", "code": None, "param": None}
    }
    assert json.loads(world.chat("hi").body)["error"]["message"] == "no such user: <name>"


def test_a_missing_provider_key_is_a_502_and_nothing_is_sent() -> None:
    world = World()
    world.secrets = Broken()
    response = world.chat("hi")
    assert error(response) == (502, "upstream_error")
    assert (world.upstream.seen, [u.outcome for u in world.record.upstream]) == ([], ["no_credentials"])


def test_an_answer_that_lambda_would_not_carry_is_a_502_before_outcome_and_not_after() -> None:
    world = World()
    message = {"role": "assistant", "content": "\u00e9" * 1_100_000}
    world.upstream.body = COMPLETION | {
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]
    }
    response = world.chat("hi")
    assert error(response) == (502, "upstream_error")
    assert (world.record.outcome, world.record.cause) == ("failed", "too_large")


def test_what_an_upstream_did_is_told_in_its_attempt_and_as_the_cause() -> None:
    world = World()
    world.upstream.body = b"<html>"
    world.chat("hi")
    assert [(u.status, u.outcome) for u in world.record.upstream] == [(200, "malformed")]
    assert world.record.cause == "malformed"
