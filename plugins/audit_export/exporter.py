"""Sends the evidence of each request to one approved host. Sees no content: evidence holds none."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import Annotated

from pydantic import StringConstraints

from penstock.sdk import Context, Evidence, Plugin, PluginConfig
from penstock.sdk.delivery import Answer, attempted, post

from .signing import signed_headers, signing_key

# Plain http is for a receiver on this machine; the gateway's own check decides where that is allowed.
Url = Annotated[
    str, StringConstraints(pattern=r"^https?://[a-z0-9.-]{1,253}(:[0-9]{1,5})?(/[!-~]{0,1023})?$")
]


class ExportConfig(PluginConfig):
    """Settings in `gateway.toml`, under `[plugin.config]`."""

    url: Url
    """Where records go. The grant's `hosts` names its host and port: 443 for https when it names none."""


class AuditExport(Plugin):
    """See README.md."""

    config_model = ExportConfig
    clock: Callable[[], float] = staticmethod(time.time)
    sleep: Callable[[float], None] = staticmethod(time.sleep)

    def after_response(self, evidence: Evidence, ctx: Context[ExportConfig]) -> None:
        body = encoded(evidence)
        message_id = id_of(evidence.request_id, body)
        ctx.record("body_bytes", len(body))

        def send(fresh: bool) -> Answer:
            # Two keys, parted by a space, while the receiver changes from the one to the other.
            secret = ctx.secret("signing_key", fresh=fresh).get_secret_value()
            keys = [signing_key(part) for part in secret.split()]
            headers = signed_headers(message_id, int(self.clock()), body, keys)
            return post(ctx, ctx.config.url, body, {**headers, "content-type": "application/json"})

        attempted(send, lambda: ctx.remaining_ms, self.sleep).expect_taken()


def id_of(request_id: str, body: bytes) -> str:
    """The same for each copy of a record; another for the record that amends one of the same request."""
    return f"msg_{request_id}_audit-export_{hashlib.sha256(body).hexdigest()[:16]}"


def encoded(evidence: Evidence) -> bytes:
    """The record as compact JSON. What is signed is what is sent, byte for byte."""
    return json.dumps(dict(evidence), default=dict, ensure_ascii=False, separators=(",", ":")).encode()
