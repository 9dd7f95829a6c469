"""One JSON-RPC message: which of the three kinds it is, and whether it is one at all."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from penstock.dialects.mcp import protocol
from penstock.errors import RequestError

Kind = Literal["request", "notification", "response"]
Id = str | int

# Ids are the sender's own words. Long numbers, and what is no token, could be more than an id.
_ID: Final = re.compile(r"[A-Za-z0-9_.:/|+=-]{1,128}")
_MAX_NUMBER: Final = 10**13  # a time in milliseconds has thirteen digits, a card's number sixteen
_MAX_CODE: Final = 10**9
_METHOD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_/.-]{0,95}")
_MEMBERS: Final = {
    "request": frozenset({"jsonrpc", "id", "method", "params"}),
    "notification": frozenset({"jsonrpc", "method", "params"}),
    "response": frozenset({"jsonrpc", "id", "result", "error"}),
}


def kind_of(tree: Any) -> Kind:
    """The kind of a message whose shape is right. Raises RequestError (400) in words when it is not."""
    if type(tree) is not dict:
        raise _wrong("a message must be an object")
    if tree.get("jsonrpc") != "2.0":
        raise _wrong('jsonrpc must be "2.0"')
    kind = _kind(tree)
    if not _MEMBERS[kind].issuperset(tree):
        raise _wrong("a message has no other members than jsonrpc, id, method, params, result and error")
    if "id" in tree and not _is_id(tree["id"], kind):
        raise _wrong("id must be a whole number of at most 13 digits or a token of at most 128 characters")
    if kind == "response":
        _check_response(tree)
    else:
        _check_call(tree)
    return kind


def method_of(tree: dict[str, Any]) -> str | None:
    """The method; None of a response."""
    return tree.get("method")


def tool_of(tree: dict[str, Any]) -> str | None:
    """The tool that a message calls."""
    if tree.get("method") != protocol.CALL_TOOL:
        return None
    name: str = tree["params"]["name"]
    return name


def _kind(tree: dict[str, Any]) -> Kind:
    if "method" in tree:
        return "request" if "id" in tree else "notification"
    return "response"


def _is_id(value: Any, kind: Kind) -> bool:
    if value is None:
        return kind == "response"  # an error about a request whose id could not be read
    if type(value) is int:
        return abs(value) < _MAX_NUMBER
    return type(value) is str and _ID.fullmatch(value) is not None


def _is_code(value: Any) -> bool:
    """JSON-RPC's own have five digits (its specification, section 5.1), HTTP's three."""
    return type(value) is int and abs(value) < _MAX_CODE


def _check_call(tree: dict[str, Any]) -> None:
    method, params = tree["method"], tree.get("params", {})
    if type(method) is not str or _METHOD.fullmatch(method) is None:
        raise _wrong("method must be the name of a method")
    if type(params) is not dict:
        raise _wrong("params must be an object")
    if type(params.get("_meta", {})) is not dict:
        raise _wrong("params._meta must be an object")
    for about, name in (
        (params, "requestId"),
        (params, "progressToken"),
        (params.get("_meta", {}), "progressToken"),
    ):
        if isinstance(about.get(name), int | float) and abs(about[name]) >= _MAX_NUMBER:
            raise _wrong(f"{name} must be a whole number of at most 13 digits or a token")
    if method == protocol.CALL_TOOL:
        if type(params.get("name")) is not str or not params["name"]:
            raise _wrong("params.name must be the name of a tool")
        if type(params.get("arguments", {})) is not dict:
            raise _wrong("params.arguments must be an object")


def _check_response(tree: dict[str, Any]) -> None:
    if ("result" in tree) == ("error" in tree):
        raise _wrong("a response has either a result or an error")
    if type(tree.get("result", {})) is not dict:
        raise _wrong("result must be an object")
    error = tree.get("error", {})
    if type(error) is not dict or ("error" in tree and not _is_code(error.get("code"))):
        raise _wrong("error must be an object with a code of at most nine digits")
    if "result" in tree and tree.get("id") is None:
        raise _wrong("a result has the id of its request")


def _wrong(problem: str) -> RequestError:
    return RequestError(f"This is no JSON-RPC message of MCP: {problem}.")
