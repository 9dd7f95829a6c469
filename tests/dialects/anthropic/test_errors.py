from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx2
import pytest

from penstock.denial import Denial
from penstock.dialects.anthropic.errors import render
from penstock.dialects.dialect import Rendered
from penstock.errors import (
    AccountingError,
    ConfigurationError,
    FailureClass,
    PenstockError,
    PluginError,
    RequestError,
    StorageError,
    UpstreamError,
    UpstreamTimeoutError,
)

BLOCK = Denial("card-guard.card_number", "The prompt contains a card number.", 403, "plugin_blocked")


def shown(refusal: Denial | PenstockError) -> tuple[int, dict[str, str], Any]:
    status, headers, body = render(refusal, "0190-id")
    return status, headers, json.loads(body)["error"]


def test_a_block_is_the_plugins_reason_in_anthropics_shape() -> None:
    status, headers, body = render(BLOCK, "0190-id")
    assert status == 403
    assert headers == {
        "content-type": "application/json",
        "x-request-id": "0190-id",
        "request-id": "0190-id",
        "x-penstock-code": "card-guard.card_number",
    }
    assert json.loads(body) == {
        "type": "error",
        "error": {
            "type": "permission_error",
            "message": "The prompt contains a card number.",
            "details": {"error_code": "card-guard.card_number"},
        },
        "request_id": "0190-id",
    }


def test_a_reference_and_a_time_to_wait_are_told() -> None:
    denial = Denial("approval_required", "Ask.", 403, "plugin_blocked", reference="apr_1", retry_after_s=30)
    _, headers, error = shown(denial)
    assert (error["reference"], headers["retry-after"]) == ("apr_1", "30")


@pytest.mark.parametrize(
    ("refusal", "status", "kind", "code"),
    [
        (Denial("unauthorized", "x", 401, "access_denied"), 401, "authentication_error", "unauthorized"),
        (Denial("budget_exceeded", "x", 402, "access_denied"), 402, "billing_error", "budget_exceeded"),
        (
            Denial("model_not_allowed", "x", 403, "access_denied"),
            403,
            "permission_error",
            "model_not_allowed",
        ),
        (RequestError("x", code="unknown_route", status=404), 404, "not_found_error", "unknown_route"),
        (Denial("rate", "x", 429, "access_denied"), 429, "rate_limit_error", "rate"),
        (Denial("p", "x", 503, "plugin_unavailable"), 503, "api_error", "p"),
        (RequestError("x"), 400, "invalid_request_error", "invalid_request_body"),
        (RequestError("x", code="c", status=415), 415, "invalid_request_error", "c"),
        (RequestError.too_large("x", 4), 413, "request_too_large", "payload_too_large"),
        (UpstreamError("x"), 502, "api_error", "upstream_error"),
        (UpstreamTimeoutError("x"), 504, "timeout_error", "upstream_timeout"),
        (PluginError(FailureClass.TIMEOUT, "x"), 503, "api_error", "plugin_unavailable"),
        (StorageError("x"), 503, "api_error", "evidence_unavailable"),
        (AccountingError("x"), 500, "api_error", "evidence_incomplete"),
        (PenstockError(), 500, "api_error", "internal_error"),
    ],
)
def test_every_refusal_has_a_status_a_type_and_a_code(
    refusal: Denial | PenstockError, status: int, kind: str, code: str
) -> None:
    found_status, headers, error = shown(refusal)
    assert (found_status, error["type"], headers["x-penstock-code"]) == (status, kind, code)
    assert error["message"]


def test_what_concerns_the_operator_is_not_told_to_the_caller() -> None:
    _, _, error = shown(ConfigurationError("gateway.toml", "a canary"))
    assert "canary" not in error["message"]


def client(rendered: Rendered, more: dict[str, str], sent: list[httpx2.Request]) -> anthropic.Anthropic:
    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(rendered.status, headers={**rendered.headers, **more}, content=rendered.body)

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return anthropic.Anthropic(api_key="k", base_url="http://penstock.test", max_retries=2, http_client=http)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (403, anthropic.PermissionDeniedError),
        (404, anthropic.NotFoundError),
        (429, anthropic.RateLimitError),
        (503, anthropic.InternalServerError),
    ],
)
def test_the_anthropic_client_raises_its_own_exception_and_does_not_repeat_what_was_paid_for(
    status: int, expected: type[anthropic.APIStatusError]
) -> None:
    rendered = render(Denial("a.code", "Why.", status, "access_denied"), "0190-id")
    sent: list[httpx2.Request] = []
    with client(rendered, {"x-should-retry": "false"}, sent) as asking, pytest.raises(expected) as caught:
        asking.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "hi"}])
    assert len(sent) == 1
    assert caught.value.request_id == "0190-id"
    assert (caught.value.api_message, caught.value.error_code) == ("Why.", "a.code")
    assert caught.value.response.headers["x-penstock-code"] == "a.code"
