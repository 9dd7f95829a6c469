"""Denials and failures as JSON-RPC errors: our code is in `data.code`, the sentence is the message.

    {"jsonrpc": "2.0", "id": …, "error": {"code": …, "message": …, "data": {"code": "…"}}}

The HTTP status says what a transport must know: no key, no such server, no such session. An error that
answers a request inside of a session comes with status 200: the client of PyPI's `mcp` 1.x ends the whole
session at any other (`_handle_post_request`: `raise_for_status`), and TypeScript's hides the error.
`error.code` is JSON-RPC's own where it has one; else the HTTP status, which lies outside of what it reserves.
"""

from __future__ import annotations

import json
from typing import Any, Final

from penstock.denial import Denial
from penstock.dialects.dialect import Rendered
from penstock.dialects.mcp import protocol
from penstock.dialects.mcp.messages import Id
from penstock.errors import ConfigurationError, NotJsonError, PenstockError

_FAILED: Final = "The gateway could not serve this request. Its operator finds the cause by the request id."
_CODES: Final = {
    "invalid_request_body": protocol.INVALID_REQUEST,
    "mcp_meta_missing": protocol.INVALID_PARAMS,
    "mcp_header_mismatch": protocol.HEADER_MISMATCH,
    "mcp_version_not_supported": protocol.UNSUPPORTED_VERSION,
    "mcp_method_not_allowed": protocol.METHOD_NOT_FOUND,
    "mcp_tool_not_allowed": protocol.INVALID_PARAMS,
    "mcp_tool_changed": protocol.INVALID_PARAMS,
    "mcp_arguments_not_allowed": protocol.INVALID_PARAMS,
}


def render(refusal: Denial | PenstockError, request_id: str, to: Id | None = None) -> Rendered:
    """Either kind of refusal, with its own HTTP status. `to`: the id of the request that it answers."""
    denial = refusal if isinstance(refusal, Denial) else _as_denial(refusal)
    headers = {
        "content-type": "application/json",
        "x-request-id": request_id,
        "x-penstock-code": denial.code,
    }
    if denial.status == 401:
        headers["www-authenticate"] = "Bearer"
    if denial.retry_after_s is not None:
        headers["retry-after"] = str(denial.retry_after_s)
    return Rendered(denial.status, headers, error_message(refusal, request_id, to))


def error_message(refusal: Denial | PenstockError, request_id: str, to: Id | None) -> bytes:
    """The JSON-RPC message alone, as an event of a stream carries it."""
    denial = refusal if isinstance(refusal, Denial) else _as_denial(refusal)
    data: dict[str, Any] = {"code": denial.code, "request_id": request_id}
    if denial.reference is not None:
        data["reference"] = denial.reference
    if denial.code == "mcp_version_not_supported":
        data["supported"] = list(protocol.VERSIONS)
    error = {"code": _code(refusal, denial), "message": denial.message, "data": data}
    return json.dumps({"jsonrpc": "2.0", "id": to, "error": error}).encode()


def _code(refusal: Denial | PenstockError, denial: Denial) -> int:
    """JSON-RPC tells apart what cannot be read and what is no request (its specification, section 5.1)."""
    if isinstance(refusal, NotJsonError):
        return protocol.PARSE_ERROR
    return _CODES.get(denial.code, denial.status)


def _as_denial(error: PenstockError) -> Denial:
    message = "" if isinstance(error, ConfigurationError) else str(error)
    return Denial(error.code, message or _FAILED, error.status, "invalid_request")
