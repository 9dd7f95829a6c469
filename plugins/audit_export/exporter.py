"""Sends the evidence of each request to one approved host. Sees no content: evidence holds none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from penstock.sdk import Context, Evidence, Plugin, PluginConfig
from penstock.sdk.delivery import Url, compact_json
from penstock.sdk.signing import message_id, send_signed

NAME: Final = "audit-export"


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
        body = compact_json(evidence)
        ctx.record("body_bytes", len(body))

        told = message_id(evidence.request_id, NAME, body)
        send_signed(ctx, ctx.config.url, told, body, clock=self.clock, sleep=self.sleep)
