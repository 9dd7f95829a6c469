"""What API Gateway says on its own when the gateway's function cannot: one table, one shape.

In AWS the stacks make the API's gateway responses of it; the local front renders it. What stands here leaves
no evidence: the function was not asked, or did not live to answer (then the sweeper closes the record).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

APPROVALS: Final = "approvals"
"""Where approvers answer, below the API's root; all else is the gateway's."""


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """One row of the table. `may_retry`: no upstream can have been called, and a second try may succeed."""

    status: int
    message: str
    aws_type: str
    """API Gateway's response type; "DEFAULT_5XX" where it has no narrower one."""
    may_retry: bool = False


GATEWAY_RESPONSES: Final[Mapping[str, GatewayResponse]] = MappingProxyType(
    {
        "bad_request": GatewayResponse(400, "This is not a request that can be read.", "BAD_REQUEST_BODY"),
        "payload_too_large": GatewayResponse(413, "The request is too large.", "REQUEST_TOO_LARGE"),
        "rate_limited": GatewayResponse(
            429, "The gateway is busy. Try again in a moment.", "THROTTLED", may_retry=True
        ),
        "environment_lost": GatewayResponse(
            502, "The gateway lost the environment that served this request.", "DEFAULT_5XX"
        ),
        "function_failed": GatewayResponse(502, "The gateway could not serve this request.", "DEFAULT_5XX"),
        "not_started": GatewayResponse(502, "The gateway could not start.", "DEFAULT_5XX"),
        "gateway_timeout": GatewayResponse(504, "The gateway did not answer in time.", "INTEGRATION_TIMEOUT"),
        "not_admitted": GatewayResponse(
            403, "The request was refused before the gateway saw it.", "DEFAULT_4XX"
        ),
    }
)
# What Anthropic's clients know failures by (API reference, errors); OpenAI's take any word.
_TYPES: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "invalid_request_error",
        403: "permission_error",
        413: "request_too_large",
        429: "rate_limit_error",
        504: "timeout_error",
    }
)
# API Gateway has one answer for all that its types do not tell apart: this row's, where several have a type.
ANSWERS_FOR: Final[Mapping[str, str]] = MappingProxyType({"DEFAULT_5XX": "function_failed"})


def error_body(code: str) -> str:
    """The JSON of a row. API Gateway has one body for all paths, so it has what every dialect's clients read.

    OpenAI's read `error.message` and `error.code`; Anthropic's `type`, `error.type`, `error.message` and
    `error.details.error_code`. A JSON-RPC message it cannot be as well: there `error.code` is a number.
    Clients of MCP end with an error all the same, TypeScript's with the status and this body, Python's with
    words of its own. (Developer Guide, "Gateway responses": simple variable substitution, no VTL.)
    """
    row = GATEWAY_RESPONSES[code]
    error = {
        "type": _TYPES.get(row.status, "api_error"),
        "message": row.message,
        "code": code,
        "param": None,
        "details": {"error_code": code},
    }
    return json.dumps({"type": "error", "error": error})


def retry_header(code: str) -> tuple[str, str]:
    """What tells OpenAI's and Anthropic's clients whether, and when, to come back."""
    return ("Retry-After", "1") if GATEWAY_RESPONSES[code].may_retry else ("x-should-retry", "false")
