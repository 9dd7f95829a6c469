"""An answer whose body is made while it is sent, and the prelude that carries its status and headers.

Format: "Set up a Lambda proxy integration with payload response streaming", API Gateway developer guide.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

DELIMITER = b"\0" * 8
CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"


@dataclass(frozen=True, slots=True)
class StreamedResponse:
    """What a handler returns to have its answer streamed.

    `chunks` runs in the main thread, a chunk at a time, only as fast as the caller reads. It is closed,
    as a generator is (`GeneratorExit` at its `yield`), when the caller has gone or, near the function's
    deadline, does not read: its last moment to close the upstream and to leave a record. It ends in time by
    itself otherwise: the context that the handler was given tells what is left.

    Before its first chunk an exception fails the invocation as if the handler had raised it; later it breaks
    the stream off. So status and headers wait for that first chunk. An empty chunk is never sent: as the
    first it lets them go ahead, at any time it makes sure that the caller is still there.
    """

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    repeated_headers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Headers with several values, such as Set-Cookie."""
    cancel: Callable[[], None] | None = None
    """Called at most once, from another thread, when the caller has gone while a chunk is waited for. It must
    return soon and not raise; it makes the wait in `chunks` end, by shutting down the upstream's socket."""


def prelude(response: StreamedResponse) -> bytes:
    """Status and headers as the first chunk has them, with the delimiter."""
    value: dict[str, Any] = {"statusCode": response.status, "headers": dict(response.headers)}
    if response.repeated_headers:
        value["multiValueHeaders"] = {name: list(all_) for name, all_ in response.repeated_headers.items()}
    return json.dumps(value, separators=(",", ":")).encode() + DELIMITER


def streamed(proxy_response: Mapping[str, Any]) -> StreamedResponse:
    """A buffered proxy response as a stream of one chunk: a streamed route takes nothing else.

    Raises:
        ValueError: its body is not the Base64 that it says it is.
    """
    body = proxy_response.get("body") or ""
    encoded = proxy_response.get("isBase64Encoded")
    content = base64.b64decode(body, validate=True) if encoded else body.encode()
    return StreamedResponse(
        status=proxy_response["statusCode"],
        headers=proxy_response.get("headers") or {},
        chunks=iter([content]),
        repeated_headers=proxy_response.get("multiValueHeaders") or {},
    )
