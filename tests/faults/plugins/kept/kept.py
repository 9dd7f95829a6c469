"""A sink that no answer leaves without, tried again where it was not reached."""

from __future__ import annotations

from penstock.sdk import Context, Evidence, Plugin, PluginConfig


class KeptConfig(PluginConfig):
    """Settings in `gateway.toml`, under `[plugin.config]`."""

    url: str


class Kept(Plugin):
    """Posts the request's id; elsewhere, when it was already told that the request was answered."""

    config_model = KeptConfig

    def after_response(self, evidence: Evidence, ctx: Context[KeptConfig]) -> None:
        url = ctx.config.url + ("/amended" if evidence.get("cause") == "waited_plugin_failed" else "")
        answer = ctx.http.post(url, json={"request_id": evidence.request_id}, timeout=1.0)
        answer.raise_for_status()
