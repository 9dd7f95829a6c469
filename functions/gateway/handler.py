"""The gateway function: an API Gateway REST proxy event in, a proxy response or a streamed one out.

What is no proxy event, as some report after streamed invocations, is acknowledged quietly.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any, Protocol

from functions.gateway.events import proxy_response, request_of
from penstock.gateway.environment import build
from penstock.gateway.gateway import Gateway
from penstock.gateway.http import HttpResponse
from penstock.runtime.streaming import StreamedResponse


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
    response = gateway().handle(request_of(event), lambda: context.get_remaining_time_in_millis() / 1000)
    if isinstance(response, HttpResponse):
        return proxy_response(response)
    return StreamedResponse(response.status, response.headers, response.chunks, cancel=response.cancel)
