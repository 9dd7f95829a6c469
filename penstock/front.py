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
# API Gateway has one answer for all that its types do not tell apart: this row's, where several have a type.
ANSWERS_FOR: Final[Mapping[str, str]] = MappingProxyType({"DEFAULT_5XX": "function_failed"})


def error_body(code: str) -> str:
    """The JSON of a row, in the shape that the OpenAI client expects."""
    error = {"message": GATEWAY_RESPONSES[code].message, "type": "gateway_error", "code": code, "param": None}
    return json.dumps({"error": error})


def retry_header(code: str) -> tuple[str, str]:
    """What tells the OpenAI client whether, and when, to come back."""
    return ("Retry-After", "1") if GATEWAY_RESPONSES[code].may_retry else ("x-should-retry", "false")
