"""A sink that may be called at most once for each request."""

from __future__ import annotations

from penstock.sdk import Context, Evidence, Plugin, PluginConfig


class OnceConfig(PluginConfig):
    """Settings in `gateway.toml`, under `[plugin.config]`."""

    url: str


class Once(Plugin):
    """Posts the request's id."""

    config_model = OnceConfig

    def after_response(self, evidence: Evidence, ctx: Context[OnceConfig]) -> None:
        answer = ctx.http.post(ctx.config.url, json={"request_id": evidence.request_id}, timeout=2.0)
        answer.raise_for_status()
