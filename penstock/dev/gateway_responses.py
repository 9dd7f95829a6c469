"""What the local front says when the gateway's function cannot: the rows of `penstock.front`, chosen."""

from __future__ import annotations

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
from penstock.front import GATEWAY_RESPONSES, error_body, retry_header


def render(code: str, request_id: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body of a row."""
    headers = [("Content-Type", "application/json"), ("x-request-id", request_id), retry_header(code)]
    return GATEWAY_RESPONSES[code].status, headers, error_body(code).encode()


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
