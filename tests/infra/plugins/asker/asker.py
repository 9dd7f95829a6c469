"""Asks its one host before each request goes on, and records with which status that answered."""

from __future__ import annotations

from penstock.sdk import Allow, Context, Decision, Plugin, PluginConfig, Request


class AskerConfig(PluginConfig):
    """Settings in `gateway.toml`."""

    url: str
    """Whom it asks."""


class Asker(Plugin):
    config_model = AskerConfig

    def before_upstream(self, request: Request, ctx: Context[AskerConfig]) -> Decision:
        answer = ctx.http.post(ctx.config.url, content="".join(request.messages.user))
        ctx.record("status", answer.status_code)
        return Allow()
