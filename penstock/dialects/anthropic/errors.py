"""Denials and failures as Anthropic's clients read them: the status chooses the exception.

{"type": "error", "error": {"type": …, "message": …, "details": {"error_code": …}}, "request_id": …}

and `reference` in `error` where there is one. These clients show `error_code` as such, also of a stream that
fails, when headers are long sent; `x-penstock-code` says the same. They look for an id in `request-id`.
"""

from __future__ import annotations

import json
from typing import Final

from penstock.denial import Denial
from penstock.dialects import sse
from penstock.dialects.dialect import Rendered
from penstock.errors import ConfigurationError, PenstockError

_FAILED = "The gateway could not serve this request. Its operator finds the cause by the request id."
# Anthropic's API reference, errors. Of other statuses below 500 it says `invalid_request_error`.
_TYPES: Final = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def render(refusal: Denial | PenstockError, request_id: str) -> Rendered:
    """Either kind of refusal. `x-should-retry` is the caller's to add: it knows whether tokens were spent."""
    denial = refusal if isinstance(refusal, Denial) else _as_denial(refusal)
    error: dict[str, object] = {
        "type": error_type(denial.status),
        "message": denial.message,
        "details": {"error_code": denial.code},
    }
    headers = {
        "content-type": "application/json",
        "x-request-id": request_id,
        "request-id": request_id,
        "x-penstock-code": denial.code,
    }
    if denial.reference is not None:
        error["reference"] = denial.reference
    if denial.retry_after_s is not None:
        headers["retry-after"] = str(denial.retry_after_s)
    body = {"type": "error", "error": error, "request_id": request_id}
    return Rendered(denial.status, headers, json.dumps(body).encode())


def error_event(refusal: Denial | PenstockError, request_id: str) -> bytes:
    """The event that ends a stream which failed or was stopped."""
    return sse.encode(sse.one_line(render(refusal, request_id).body.decode()), "error")


def error_type(status: int) -> str:
    """Anthropic's word for a failure of this status."""
    return _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")


def _as_denial(error: PenstockError) -> Denial:
    message = "" if isinstance(error, ConfigurationError) else str(error)
    return Denial(error.code, message or _FAILED, error.status, "invalid_request")
