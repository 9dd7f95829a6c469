"""Where the seam is: under every client, stream and line of output of this process."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol
from unittest.mock import patch

import httpx
from botocore.client import BaseClient
from botocore.httpsession import URLLib3Session

from penstock.evidence import telemetry
from penstock.runtime.post import StreamPost
from penstock.upstream.wire import Wire
from tests.faults.seam import Seam

PLACES: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
    (BaseClient, "_make_api_call", Seam.api_call),
    (URLLib3Session, "send", Seam.aws_send),
    (httpx.HTTPTransport, "handle_request", Seam.http_send),
    (Wire, "read", Seam.upstream_read),
    (StreamPost, "_write", Seam.runtime_write),
    (telemetry, "emit", Seam.telemetry),
)


class Switch(Protocol):
    """Where the seam of the invocation under way is; None in one that is not counted."""

    seam: Seam | None


def install(switch: Switch) -> None:
    """Put the seam in each of its places, once."""
    for owner, name, counted in PLACES:
        patch.object(owner, name, _through(switch, getattr(owner, name), counted)).start()


def _through(switch: Switch, original: Callable[..., Any], counted: Callable[..., Any]) -> Any:
    @wraps(original)
    def call(*arguments: Any) -> Any:
        if switch.seam is None:
            return original(*arguments)
        return counted(switch.seam, original, *arguments)

    return call
