"""HTTP as an API Gateway REST API gives it to a Lambda function, and back.

Source: "Lambda proxy integrations in API Gateway", API Gateway developer guide: the input
format (payload 1.0) and the output format.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from penstock.dev.environments import ACCOUNT_ID

API_ID = "local"
STAGE = "local"
# API Gateway ends the caller's connection, so these pass neither to the function nor back.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
PRELUDE_KEYS = frozenset({"statusCode", "headers", "multiValueHeaders", "cookies"})
RESPONSE_KEYS = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
# All of API Gateway's identity fields are there, null unless the API uses what they tell of.
IDENTITY_FIELDS = (
    "accessKey",
    "accountId",
    "caller",
    "cognitoAuthenticationProvider",
    "cognitoAuthenticationType",
    "cognitoIdentityId",
    "cognitoIdentityPoolId",
    "principalOrgId",
    "user",
    "userArn",
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class MalformedResponseError(Exception):
    """The function returned something else than a proxy response: API Gateway answers 502."""


@dataclass(frozen=True, slots=True)
class Received:
    """One request as the front received it."""

    method: str
    target: str
    """Path and query as in the request line."""
    protocol: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source_ip: str
    port: int
    request_id: str
    received_at_ms: int


@dataclass(frozen=True, slots=True)
class ProxyResponse:
    """What the function asked to be sent to the caller."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def event_for(received: Received) -> dict[str, Any]:
    path, _, query = received.target.partition("?")
    headers = [*_forwarded(received), *_end_to_end(received.headers)]
    parameters = parse_qsl(query, keep_blank_values=True)
    proxy = path.lstrip("/")
    return {
        "resource": "/{proxy+}" if proxy else "/",
        "path": path,
        "httpMethod": received.method,
        "headers": dict(headers),
        "multiValueHeaders": _multi(headers),
        "queryStringParameters": dict(parameters) or None,
        "multiValueQueryStringParameters": _multi(parameters) or None,
        "pathParameters": {"proxy": proxy} if proxy else None,
        "stageVariables": None,
        "requestContext": _request_context(received, path),
        **_body_fields(received),
    }


def _request_context(received: Received, path: str) -> dict[str, Any]:
    moment = datetime.fromtimestamp(received.received_at_ms / 1000, UTC)
    agent = next((value for name, value in received.headers if name.lower() == "user-agent"), None)
    return {
        "resourceId": "proxy",
        "resourcePath": "/{proxy+}" if path != "/" else "/",
        "httpMethod": received.method,
        "extendedRequestId": received.request_id,
        "requestTime": moment.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "path": f"/{STAGE}{path}",
        "accountId": ACCOUNT_ID,
        "protocol": received.protocol,
        "stage": STAGE,
        "domainPrefix": API_ID,
        "requestTimeEpoch": received.received_at_ms,
        "requestId": received.request_id,
        "identity": {
            **dict.fromkeys(IDENTITY_FIELDS),
            "sourceIp": received.source_ip,
            "userAgent": agent,
        },
        "domainName": "127.0.0.1",
        "deploymentId": "local",
        "apiId": API_ID,
    }


def _forwarded(received: Received) -> list[tuple[str, str]]:
    return [
        ("X-Amzn-Trace-Id", f"Root=1-{received.received_at_ms // 1000:08x}-{received.request_id[-12:]:0>24}"),
        ("X-Forwarded-For", received.source_ip),
        ("X-Forwarded-Port", str(received.port)),
        ("X-Forwarded-Proto", "http"),
    ]


def _end_to_end(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without the hop-by-hop headers, also those that `Connection` names (RFC 9110, section 7.6.1)."""
    headers = list(headers)
    named = {
        option.strip().lower()
        for name, value in headers
        if name.lower() == "connection"
        for option in value.split(",")
    }
    return [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP | named]


def _multi(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def _body_fields(received: Received) -> dict[str, Any]:
    """API Gateway encodes what its binary media types name; here, what would not survive as text."""
    if not received.body:
        return {"body": None, "isBase64Encoded": False}
    encoded = any(name.lower() == "content-encoding" for name, _ in received.headers)
    if not encoded:
        try:
            return {"body": received.body.decode("utf-8"), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(received.body).decode("ascii"), "isBase64Encoded": True}


def response_from(payload: bytes) -> ProxyResponse:
    """What the function returned, as strictly as API Gateway takes it.

    Raises:
        MalformedResponseError: not a JSON object of the known keys, or a value that HTTP cannot carry.
    """
    value = _parsed(payload)
    if not isinstance(value, dict) or value.keys() - RESPONSE_KEYS:
        raise MalformedResponseError
    return ProxyResponse(_status(value.get("statusCode")), tuple(_headers(value)), _body(value))


def response_head(prelude: bytes) -> ProxyResponse:
    """Status and headers of a streamed answer, which stand before its delimiter.

    Raises:
        MalformedResponseError: as `response_from`.
    """
    value = _parsed(prelude)
    if not isinstance(value, dict) or value.keys() - PRELUDE_KEYS:
        raise MalformedResponseError
    cookies = [("Set-Cookie", _text(cookie)) for cookie in _sequence(value.get("cookies") or [])]
    return ProxyResponse(_status(value.get("statusCode")), (*_headers(value, cookies),), b"")


def _parsed(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError as error:
        raise MalformedResponseError from error


def _status(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 200 <= value <= 599:
        raise MalformedResponseError
    return value


def _headers(response: dict[str, Any], further: Iterable[tuple[str, str]] = ()) -> list[tuple[str, str]]:
    """All kinds merged; where two have the same pair it counts once."""
    multi = _mapping(response.get("multiValueHeaders"))
    pairs = [(name, _text(item)) for name, values in multi.items() for item in _sequence(values)]
    for name, value in _mapping(response.get("headers")).items():
        pair = (name, _text(value))
        if pair not in pairs:
            pairs.append(pair)
    pairs.extend(further)
    for name, text in pairs:
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(text):
            raise MalformedResponseError
    return [pair for pair in _end_to_end(pairs) if pair[0].lower() != "content-length"]


def _mapping(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedResponseError
    return value


def _sequence(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise MalformedResponseError
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise MalformedResponseError


def _body(response: dict[str, Any]) -> bytes:
    text = response.get("body")
    if text is None:
        return b""
    if not isinstance(text, str):
        raise MalformedResponseError
    try:
        if response.get("isBase64Encoded") is True:
            return base64.b64decode(text, validate=True)
        return text.encode("utf-8")
    except (binascii.Error, UnicodeEncodeError) as error:
        raise MalformedResponseError from error
