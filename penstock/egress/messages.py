"""What crosses between a plugin's function and the egress function: a request, a response or a failure.

    request    {"method", "url", "headers": [[name, value], …], "body": base64, "timeout": {"connect": s, …}}
    response   {"status", "headers": [[name, value], …], "body": base64}
    failure    {"failure": one of `Failure`}

Header values are bytes, written as latin-1. Neither side believes the other: each reads field by field, and
what is left over is refused. Both bodies fit Lambda's 6 MB as base64 (`MAX_BODY_BYTES`).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

import httpx

# A third more as base64, and 64 KB of headers beside it, are 2.9 MB of Lambda's 6.
MAX_BODY_BYTES: Final = 2 * 1024 * 1024
MAX_HEADERS: Final = 100
MAX_HEADER_BYTES: Final = 65_536
MAX_URL_CHARS: Final = 8192
# What a client may wait for one step; the function's own time bounds the whole.
MAX_TIMEOUT_S: Final = 60.0

# CONNECT would open a tunnel, TRACE give back what only the way there adds.
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
STEPS: Final = ("connect", "read", "write", "pool")
# RFC 9110, 5.5 and 5.6.2: a name is a token; a value has no control characters but the tabulator.
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_URL: Final = re.compile(r"[\x21-\x7e]+")

Pairs = list[tuple[bytes, bytes]]


class Failure(StrEnum):
    """Why there is no response. It names a kind, never what was sent or found."""

    MALFORMED = "malformed"
    NOT_GRANTED = "not_granted"
    NOT_PUBLIC = "not_public"
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    UNREACHED = "unreached"
    PROTOCOL = "protocol"


class MalformedError(ValueError):
    """A message is not as it should be; the text says which part, and holds nothing of it."""


def encode_request(request: httpx.Request) -> bytes:
    """The request, whose body has been read."""
    timeout = request.extensions.get("timeout") or {}
    return _encode(
        {
            "method": request.method,
            "url": str(request.url),
            "headers": _texts(request.headers.raw),
            "body": base64.b64encode(request.content).decode(),
            "timeout": {step: timeout.get(step) for step in STEPS},
        }
    )


def decode_request(event: object) -> httpx.Request:
    """The request in an event of the egress function. Raises MalformedError."""
    tree = _table(event, {"method", "url", "headers", "body", "timeout"})
    method, url = tree["method"], tree["url"]
    if not (isinstance(method, str) and method in METHODS):
        raise MalformedError("the method")
    if not (isinstance(url, str) and len(url) <= MAX_URL_CHARS and _URL.fullmatch(url)):
        raise MalformedError("the address")
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise MalformedError("the address") from None
    extensions = {"timeout": _timeouts(tree["timeout"])}
    content, headers = _body(tree["body"]), _pairs(tree["headers"])
    return httpx.Request(method, parsed, headers=headers, content=content, extensions=extensions)


def encode_response(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> dict[str, Any]:
    """For Lambda to write as JSON."""
    return {"status": status, "headers": _texts(headers), "body": base64.b64encode(body).decode()}


def encode_failure(failure: Failure) -> dict[str, Any]:
    """For Lambda to write as JSON."""
    return {"failure": failure.value}


def decode_answer(raw: bytes) -> tuple[int, Pairs, bytes] | Failure:
    """Status, headers and body; or why there are none. Raises MalformedError."""
    try:
        tree = json.loads(raw)
    except (ValueError, RecursionError):
        raise MalformedError("the answer") from None
    if isinstance(tree, dict) and set(tree) == {"failure"}:
        try:
            return Failure(tree["failure"])
        except ValueError:
            raise MalformedError("the failure") from None
    answer = _table(tree, {"status", "headers", "body"})
    status = answer["status"]
    if type(status) is not int or not 100 <= status <= 599:
        raise MalformedError("the status")
    return status, _pairs(answer["headers"]), _body(answer["body"])


def _encode(tree: Mapping[str, Any]) -> bytes:
    return json.dumps(tree, separators=(",", ":"), allow_nan=False).encode()


def _table(tree: object, keys: set[str]) -> Mapping[str, Any]:
    if not isinstance(tree, dict) or set(tree) != keys:
        raise MalformedError("the keys")
    return tree


def _texts(pairs: Iterable[tuple[bytes, bytes]]) -> list[list[str]]:
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in pairs]


def _pairs(found: object) -> Pairs:
    if not isinstance(found, list) or len(found) > MAX_HEADERS:
        raise MalformedError("the headers")
    pairs = [_pair(each) for each in found]
    if sum(len(name) + len(value) for name, value in pairs) > MAX_HEADER_BYTES:
        raise MalformedError("the size of the headers")
    return pairs


def _pair(found: object) -> tuple[bytes, bytes]:
    match found:
        case [str() as name, str() as value] if _NAME.fullmatch(name) and _VALUE.fullmatch(value):
            return name.encode("ascii"), value.encode("latin-1")
    raise MalformedError("a header")


def _body(found: object) -> bytes:
    if not isinstance(found, str) or len(found) > MAX_BODY_BYTES * 4 // 3 + 4:
        raise MalformedError("the body")
    try:
        return base64.b64decode(found, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError("the body") from None


def _timeouts(found: object) -> dict[str, float]:
    """Seconds for each step; what is not given, or is more than any step may take, is the most."""
    table = _table(found, set(STEPS))
    return {step: _seconds(table[step]) for step in STEPS}


def _seconds(found: object) -> float:
    if found is None:
        return MAX_TIMEOUT_S
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= 1e9:
        raise MalformedError("a time")
    return min(float(found), MAX_TIMEOUT_S)
