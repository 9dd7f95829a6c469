"""The gateway function: an API Gateway REST proxy event in, a proxy response or a streamed one out.

Event and response formats: API Gateway Developer Guide, "Input format of a Lambda function for proxy
integration". What is no proxy event, as some report after streamed invocations, is acknowledged quietly.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from functools import cache
from typing import Any, Protocol

from penstock.gateway.environment import build
from penstock.gateway.gateway import Gateway
from penstock.gateway.http import HttpRequest, HttpResponse
from penstock.runtime.streaming import StreamedResponse

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class LambdaContext(Protocol):
    """The part of Lambda's context that is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the environment."""


@cache
def gateway() -> Gateway:
    """One per environment."""
    return build(os.environ)


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    gateway()  # in Lambda's init phase, which is not the caller's time; and before a SnapStart snapshot


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | StreamedResponse:
    """Serve one request."""
    if "httpMethod" not in event:
        return {}
    response = gateway().handle(_request(event), lambda: context.get_remaining_time_in_millis() / 1000)
    if isinstance(response, HttpResponse):
        return _proxy_response(response)
    return StreamedResponse(response.status, response.headers, response.chunks, cancel=response.cancel)


def _request(event: dict[str, Any]) -> HttpRequest:
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    context = event.get("requestContext", {})
    source_ip = context.get("identity", {}).get("sourceIp") or ""
    return HttpRequest(
        event["httpMethod"], event["path"], headers, _body(event), source_ip, _uuid(context.get("requestId"))
    )


def _uuid(text: object) -> str | None:
    return text if isinstance(text, str) and UUID.fullmatch(text) else None


def _body(event: dict[str, Any]) -> bytes:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return b""  # API Gateway encodes it; were it broken, no JSON is a clear 400


def _proxy_response(response: HttpResponse) -> dict[str, Any]:
    return {
        "statusCode": response.status,
        "headers": dict(response.headers),
        "body": response.body.decode("utf-8", "replace"),
        "isBase64Encoded": False,
    }
