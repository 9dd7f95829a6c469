"""A stand-in for Lambda's Invoke API, by which the local gateway calls plugins' functions.

Source: "Invoke", Lambda API reference: the errors, their statuses and `X-Amz-Function-Error`. Synchronous
invocations only, unsigned or signed by whatever key, by name or by ARN, with an alias or without one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple
from urllib.parse import parse_qs, unquote

from penstock.dev.http_server import BodyError, BodyTooLargeError, Connection, Server, json_headers
from penstock.dev.invocation import (
    EnvironmentLost,
    FunctionFailed,
    InitFailed,
    Outcome,
    Refused,
    Returned,
    Streamed,
    Throttled,
    TimedOut,
    error_payload,
)
from penstock.dev.runtime_api import PAYLOAD_LIMIT_BYTES

Invoke = Callable[[bytes], Outcome]

PATH: Final = re.compile(r"/2015-03-31/functions/([^/?]+)/invocations(?:\?([^#]*))?")
KIND_HEADER: Final = "x-amzn-errortype"
LATEST: Final = "$LATEST"


class Refusal(NamedTuple):
    """An error of Lambda's own, not of the function."""

    status: int
    kind: str
    message: str
    reason: str | None = None


NO_PATH: Final = Refusal(404, "UnknownOperationException", "The local Lambda API only invokes.")
NOT_JSON: Final = Refusal(400, "InvalidRequestContentException", "Could not parse request body into json.")
TOO_LARGE: Final = Refusal(413, "RequestTooLargeException", "Request must be smaller than 6291556 bytes.")
ASYNCHRONOUS: Final = Refusal(400, "InvalidParameterValueException", "Only RequestResponse is served here.")
THROTTLED: Final = Refusal(
    429, "TooManyRequestsException", "Rate Exceeded.", "ReservedFunctionConcurrentInvocationLimitExceeded"
)


class LambdaApi:
    """Listens on 127.0.0.1 as soon as it is made. `functions` may be filled after that.

    They are named `name` or `name:alias`: an alias is a way of its own into its function, as in Lambda.
    """

    def __init__(self, functions: Mapping[str, Invoke]) -> None:
        self._functions = functions
        self._server = Server(self._answer)

    @property
    def url(self) -> str:
        """For AWS_ENDPOINT_URL_LAMBDA."""
        return f"http://{self._server.address}"

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def _answer(self, connection: Connection) -> None:
        try:
            event = connection.body.read(PAYLOAD_LIMIT_BYTES)
        except BodyTooLargeError:
            connection.close_connection = True
            _refuse(connection, TOO_LARGE)
            return
        except BodyError:
            connection.close_connection = True
            _refuse(connection, NOT_JSON)
            return
        found = self._found(connection, event)
        if isinstance(found, Refusal):
            _refuse(connection, found)
        else:
            _deliver(connection, found(event or b"{}"))

    def _found(self, connection: Connection, event: bytes) -> Invoke | Refusal:
        match = PATH.fullmatch(connection.path)
        if match is None or connection.command != "POST":
            return NO_PATH
        name = named(unquote(match[1]), parse_qs(match[2] or "").get("Qualifier", [""])[0])
        invoke = self._functions.get(name)
        if invoke is None:
            return Refusal(404, "ResourceNotFoundException", f"Function not found: {name}")
        if connection.headers.get("X-Amz-Invocation-Type", "RequestResponse") != "RequestResponse":
            return ASYNCHRONOUS
        return invoke if _is_json(event) else NOT_JSON


def named(function: str, qualifier: str = "") -> str:
    """`name` or `name:alias`, of what a caller names a function by: these, its ARN, its alias in the query.

    The version that is being worked on, `$LATEST`, is the function itself.
    """
    parts = function.split(":")
    whole = parts[parts.index("function") + 1 :] if "function" in parts[:-1] else parts
    return ":".join(part for part in (*whole, qualifier) if part not in {"", LATEST})


def _is_json(event: bytes) -> bool:
    try:
        json.loads(event or b"{}", parse_constant=_no_number)
    except (ValueError, RecursionError):
        return False
    return True


def _no_number(name: str) -> None:
    raise ValueError(name)


def _refuse(connection: Connection, refusal: Refusal) -> None:
    kind = "User" if refusal.status < 500 else "Service"
    body = {"Type": kind, "message": refusal.message}
    if refusal.reason is not None:
        body["Reason"] = refusal.reason
    headers = json_headers({KIND_HEADER: refusal.kind})
    connection.send(refusal.status, headers, json.dumps(body).encode())


def _deliver(connection: Connection, outcome: Outcome) -> None:
    match outcome:
        case Returned(body):
            _send(connection, body)
        case Throttled():
            _refuse(connection, THROTTLED)
        case FunctionFailed(payload):
            _send(connection, payload, failed=True)
        case failure:
            _send(connection, _failure(failure), failed=True)


def _failure(outcome: Outcome) -> bytes:
    """What Lambda says of a function that has said nothing itself."""
    match outcome:
        case TimedOut(timeout_s):
            return error_payload("Sandbox.Timedout", f"Error: Task timed out after {timeout_s:.2f} seconds")
        case EnvironmentLost(status):
            return error_payload("Runtime.ExitError", f"Error: Runtime exited with error: {status}")
        case InitFailed():
            return error_payload("Runtime.ImportModuleError", "The function did not start: see its log.")
        case Streamed() | Refused() | _:
            return error_payload("Runtime.Unknown", "The function streamed, to who did not ask for a stream.")


def _send(connection: Connection, body: bytes, *, failed: bool = False) -> None:
    headers = {"X-Amz-Executed-Version": LATEST}
    if failed:
        headers["X-Amz-Function-Error"] = "Unhandled"
    connection.send(200, json_headers(headers), body)
