from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest

from penstock.denial import Denial
from penstock.dialects.openai.errors import render
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


def test_a_block_is_the_plugins_reason_in_openais_shape() -> None:
    status, headers, body = render(BLOCK, "0190-id")
    assert status == 403
    assert headers == {
        "content-type": "application/json",
        "x-request-id": "0190-id",
        "x-penstock-code": "card-guard.card_number",
    }
    assert json.loads(body) == {
        "error": {
            "message": "The prompt contains a card number.",
            "type": "plugin_blocked",
            "code": "card-guard.card_number",
            "param": None,
        }
    }


def test_a_reference_and_a_time_to_wait_are_told() -> None:
    denial = Denial("approval_required", "Ask.", 403, "plugin_blocked", reference="apr_1", retry_after_s=30)
    _, headers, error = shown(denial)
    assert (error["reference"], headers["retry-after"]) == ("apr_1", "30")


@pytest.mark.parametrize(
    ("refusal", "status", "kind", "code"),
    [
        (Denial("unauthorized", "x", 401, "access_denied"), 401, "invalid_request_error", "unauthorized"),
        (
            Denial("model_not_allowed", "x", 403, "access_denied"),
            403,
            "invalid_request_error",
            "model_not_allowed",
        ),
        (Denial("rate", "x", 429, "access_denied"), 429, "rate_limit_error", "rate"),
        (Denial("p", "x", 503, "plugin_unavailable"), 503, "server_error", "p"),
        (RequestError("x"), 400, "invalid_request_error", "invalid_request_body"),
        (RequestError.too_large("x", 4), 413, "invalid_request_error", "payload_too_large"),
        (UpstreamError("x"), 502, "server_error", "upstream_error"),
        (UpstreamTimeoutError("x"), 504, "server_error", "upstream_timeout"),
        (PluginError(FailureClass.TIMEOUT, "x"), 503, "server_error", "plugin_unavailable"),
        (StorageError("x"), 503, "server_error", "evidence_unavailable"),
        (AccountingError("x"), 500, "server_error", "evidence_incomplete"),
        (PenstockError(), 500, "server_error", "internal_error"),
    ],
)
def test_every_refusal_has_a_status_a_type_and_a_code(
    refusal: Denial | PenstockError, status: int, kind: str, code: str
) -> None:
    found_status, headers, error = shown(refusal)
    assert (found_status, error["type"], error["code"], headers["x-penstock-code"]) == (
        status,
        kind,
        code,
        code,
    )
    assert error["message"]


def test_what_concerns_the_operator_is_not_told_to_the_caller() -> None:
    _, _, error = shown(ConfigurationError("gateway.toml", "a canary"))
    assert "canary" not in error["message"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (503, openai.InternalServerError),
    ],
)
def test_the_openai_client_raises_its_own_exception_with_our_code(
    status: int, expected: type[openai.APIStatusError]
) -> None:
    rendered = render(Denial("a.code", "Why.", status, "access_denied"), "0190-id")

    def answer(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(rendered.status, headers=rendered.headers, content=rendered.body)

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        client = openai.OpenAI(
            api_key="k", base_url="http://penstock.test/v1", max_retries=0, http_client=http
        )
        with pytest.raises(expected) as caught:
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    assert (caught.value.code, caught.value.request_id) == ("a.code", "0190-id")
    assert "Why." in str(caught.value)
