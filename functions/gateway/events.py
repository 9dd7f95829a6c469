"""API Gateway's REST proxy events as requests, and responses as it takes them back.

Formats: API Gateway Developer Guide, "Input format of a Lambda function for proxy integration".
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from penstock.gateway.http import HttpRequest, HttpResponse

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def request_of(event: dict[str, Any]) -> HttpRequest:
    """The request that an event tells of."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    context = event.get("requestContext", {})
    return HttpRequest(
        event["httpMethod"],
        event["path"],
        headers,
        _body(event),
        context.get("identity", {}).get("sourceIp") or "",
        _uuid(context.get("requestId")),
        _query(event),
    )


def proxy_response(response: HttpResponse) -> dict[str, Any]:
    """A whole response. Bytes that stand for no text would not survive as one: they go in base64."""
    try:
        body, is_encoded = response.body.decode(), False
    except UnicodeDecodeError:
        body, is_encoded = base64.b64encode(response.body).decode(), True
    return {
        "statusCode": response.status,
        "headers": dict(response.headers),
        "body": body,
        "isBase64Encoded": is_encoded,
    }


def _uuid(text: object) -> str | None:
    return text if isinstance(text, str) and UUID.fullmatch(text) else None


def _query(event: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """API Gateway has unescaped it."""
    given = event.get("multiValueQueryStringParameters") or {}
    return tuple((name, value) for name, values in given.items() for value in values)


def _body(event: dict[str, Any]) -> bytes:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return b""  # API Gateway encodes it; were it broken, no JSON is a clear 400
