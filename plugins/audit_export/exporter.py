"""Sends the evidence of each request to one approved host. Sees no content: evidence holds none."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Annotated

from pydantic import StringConstraints

from penstock.sdk import Context, Evidence, Plugin, PluginConfig

from .signing import signed_headers, signing_key

# Plain http is for a receiver on this machine; the gateway's own check decides where that is allowed.
Url = Annotated[
    str, StringConstraints(pattern=r"^https?://[a-z0-9.-]{1,253}(:[0-9]{1,5})?(/[!-~]{0,1023})?$")
]


class ExportConfig(PluginConfig):
    """Settings in `gateway.toml`, under `[plugin.config]`."""

    url: Url
    """Where records go. The grant's `hosts` names its host and port: 443 for https when it names none."""


class DeliveryFailedError(Exception):
    """The receiver did not take the record; the queue brings it again. Says the status, never the answer."""


class AuditExport(Plugin):
    """See README.md."""

    config_model = ExportConfig
    clock: Callable[[], float] = staticmethod(time.time)

    def after_response(self, evidence: Evidence, ctx: Context[ExportConfig]) -> None:
        body = encoded(evidence)
        message_id = f"msg_{evidence.request_id}_audit-export"
        # Two keys, parted by a space, while the receiver changes from the one to the other.
        keys = [signing_key(part) for part in ctx.secret("signing_key").get_secret_value().split()]
        headers = signed_headers(message_id, int(self.clock()), body, keys)
        headers["content-type"] = "application/json"
        ctx.record("body_bytes", len(body))
        timeout_s = max(0.001, ctx.remaining_ms / 1000)
        # Only the status counts: the body of the answer is never read, however much there is of it.
        with ctx.http.stream(
            "POST", ctx.config.url, content=body, headers=headers, timeout=timeout_s, follow_redirects=False
        ) as answer:
            if not answer.is_success:
                raise DeliveryFailedError(f"the receiver answered {answer.status_code}; it must answer 2xx")


def encoded(evidence: Evidence) -> bytes:
    """The record as compact JSON. What is signed is what is sent, byte for byte."""
    return json.dumps(dict(evidence), default=dict, ensure_ascii=False, separators=(",", ":")).encode()
