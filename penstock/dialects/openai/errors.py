"""Denials and failures as OpenAI's clients read them: the status chooses the exception, `code` says why.

{"error": {"message": …, "type": …, "code": …, "param": null}}     and `reference` where there is one
"""

from __future__ import annotations

import json

from penstock.denial import Denial
from penstock.dialects.dialect import Rendered
from penstock.errors import ConfigurationError, PenstockError

_FAILED = "The gateway could not serve this request. Its operator finds the cause by the request id."


def render(refusal: Denial | PenstockError, request_id: str) -> Rendered:
    """Either kind of refusal. `x-should-retry` is the caller's to add: it knows whether tokens were spent."""
    denial = refusal if isinstance(refusal, Denial) else _as_denial(refusal)
    error: dict[str, str | None] = {
        "message": denial.message,
        "type": _type(denial),
        "code": denial.code,
        "param": None,
    }
    headers = {
        "content-type": "application/json",
        "x-request-id": request_id,
        "x-penstock-code": denial.code,
    }
    if denial.reference is not None:
        error["reference"] = denial.reference
    if denial.retry_after_s is not None:
        headers["retry-after"] = str(denial.retry_after_s)
    return Rendered(denial.status, headers, json.dumps({"error": error}).encode())


def _as_denial(error: PenstockError) -> Denial:
    message = "" if isinstance(error, ConfigurationError) else str(error)
    return Denial(error.code, message or _FAILED, error.status, "invalid_request")


def _type(denial: Denial) -> str:
    """OpenAI's own words for types (its error codes guide); ours for what OpenAI does not have."""
    if denial.kind == "plugin_blocked":
        return "plugin_blocked"
    if denial.status == 429:
        return "rate_limit_error"
    return "server_error" if denial.status >= 500 else "invalid_request_error"
