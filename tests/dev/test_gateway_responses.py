from __future__ import annotations

import json

import pytest

from penstock.dev.gateway_responses import code_for, reason_for, render
from penstock.dev.invocation import (
    EnvironmentLost,
    Failure,
    FunctionFailed,
    InitFailed,
    Returned,
    Throttled,
    TimedOut,
    error_payload,
)
from penstock.front import GATEWAY_RESPONSES


@pytest.mark.parametrize("code", GATEWAY_RESPONSES)
def test_every_row_is_an_error_with_its_code_and_a_sentence(code: str) -> None:
    status, headers, body = render(code, "id-1")
    error = json.loads(body)["error"]
    assert error["code"] == code
    assert error["param"] is None
    assert error["message"].endswith(".")
    assert 400 <= status <= 599
    assert ("x-request-id", "id-1") in headers


def test_what_may_have_reached_an_upstream_must_not_be_retried() -> None:
    for code in ("environment_lost", "function_failed", "gateway_timeout"):
        assert ("x-should-retry", "false") in render(code, "id-1")[1]


def test_a_busy_gateway_says_when_to_come_back() -> None:
    status, headers, _ = render("rate_limited", "id-1")
    assert status == 429
    assert ("Retry-After", "1") in headers
    assert "x-should-retry" not in dict(headers)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (EnvironmentLost("signal: killed"), "environment_lost"),
        (TimedOut(30.0), "gateway_timeout"),
        (Throttled(60.0), "rate_limited"),
        (InitFailed("no"), "not_started"),
        (FunctionFailed(b"{}"), "function_failed"),
    ],
)
def test_every_failure_has_its_row(outcome: Failure, code: str) -> None:
    assert code_for(outcome) == code
    assert reason_for(outcome)


def test_the_operator_is_told_the_class_of_an_error_and_not_its_text() -> None:
    assert (
        reason_for(FunctionFailed(error_payload("ValueError", "a secret")))
        == "the function raised ValueError"
    )
    assert reason_for(Returned(b"a secret")) == "the function returned what is not a proxy response"
