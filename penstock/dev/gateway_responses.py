"""What API Gateway says on its own when the gateway's function cannot: one table, one shape.

In AWS the same table becomes the API's gateway responses. What stands here leaves no evidence: the function
was not asked, or did not live to answer (then the sweeper closes the record).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import MappingProxyType

from penstock.dev.invocation import (
    EnvironmentLost,
    Failure,
    FunctionFailed,
    InitFailed,
    Outcome,
    Refused,
    Returned,
    Streamed,
    Throttled,
    TimedOut,
)


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """One row of the table. `may_retry`: no upstream can have been called, and a second try may succeed."""

    status: int
    message: str
    aws_type: str
    """API Gateway's response type; "DEFAULT_5XX" where it has no narrower one."""
    may_retry: bool = False


GATEWAY_RESPONSES = MappingProxyType(
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
    }
)


def render(code: str, request_id: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body of a row, in the shape that the OpenAI client expects."""
    row = GATEWAY_RESPONSES[code]
    error = {"message": row.message, "type": "gateway_error", "code": code, "param": None}
    headers = [("Content-Type", "application/json"), ("x-request-id", request_id)]
    headers.append(("Retry-After", "1") if row.may_retry else ("x-should-retry", "false"))
    return row.status, headers, json.dumps({"error": error}).encode()


def code_for(outcome: Failure) -> str:
    """The row for an invocation that returned nothing."""
    match outcome:
        case EnvironmentLost():
            return "environment_lost"
        case TimedOut():
            return "gateway_timeout"
        case Throttled():
            return "rate_limited"
        case InitFailed():
            return "not_started"
        case FunctionFailed():
            return "function_failed"


def reason_for(outcome: Outcome) -> str:
    """One line for the operator's terminal; content-free: the error's text stays in its log."""
    match outcome:
        case EnvironmentLost(status):
            return f"an environment was lost ({status})"
        case TimedOut(timeout_s):
            return f"an invocation ran longer than {timeout_s:g} s and its environment was killed"
        case Throttled(waited_s):
            return f"no environment became free within {waited_s:g} s"
        case InitFailed(message):
            return message
        case FunctionFailed():
            return f"the function raised {outcome.error_type}"
        case Returned() | Streamed() | Refused():
            return "the function returned what is not a proxy response"
