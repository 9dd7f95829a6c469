"""Tells one approved host of requests that a rule matches. Sees no content: evidence holds none."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Self

from pydantic import Field, StringConstraints, model_validator

from penstock.sdk import Context, Evidence, Plugin, PluginConfig
from penstock.sdk.delivery import Answer, attempted, post
from penstock.sdk.rules import Rule, checked_rules

from .signing import signed_headers, signing_key

# Plain http is for a receiver on this machine; the gateway's own check decides where that is allowed.
Url = Annotated[
    str, StringConstraints(pattern=r"^https?://[a-z0-9.-]{1,253}(:[0-9]{1,5})?(/[!-~]{0,1023})?$")
]
TYPE: Final = "penstock.request.matched"
TOLD: Final = ("request_id", "outcome", "code", "status", "dialect", "route", "principal", "resource")
TOLD_TOO: Final = ("cost_nanousd", "tags", "inspect")
OF_A_PLACEMENT: Final = ("plugin", "moment", "mode", "action", "would", "reason", "failure")


class NotifyConfig(PluginConfig):
    """Settings in `gateway.toml`, under `[plugin.config]`."""

    url: Url
    """Where notifications go. The grant's `hosts` names its host and port: 443 for https without one."""
    rules: tuple[Rule, ...] = Field(min_length=1, max_length=50)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        checked_rules(self.rules)
        return self


class WebhookNotify(Plugin):
    """See README.md."""

    config_model = NotifyConfig
    clock: Callable[[], float] = staticmethod(time.time)
    sleep: Callable[[float], None] = staticmethod(time.sleep)

    def after_response(self, evidence: Evidence, ctx: Context[NotifyConfig]) -> None:
        matched = [rule for rule in ctx.config.rules if rule.matches(evidence)]
        ctx.record("matched_rules", len(matched))
        if not matched:
            return
        body = encoded(notification(evidence, matched))
        ctx.record("body_bytes", len(body))
        message_id = f"msg_{evidence.request_id}_webhook-notify_{hashlib.sha256(body).hexdigest()[:16]}"

        def send(fresh: bool) -> Answer:
            # Two keys, parted by a space, while the receiver changes from the one to the other.
            secret = ctx.secret("signing_key", fresh=fresh).get_secret_value()
            keys = [signing_key(part) for part in secret.split()]
            headers = signed_headers(message_id, int(self.clock()), body, keys)
            return post(ctx, ctx.config.url, body, {**headers, "content-type": "application/json"})

        attempted(send, lambda: ctx.remaining_ms, self.sleep).expect_taken()


def notification(evidence: Evidence, matched: Sequence[Rule]) -> dict[str, Any]:
    """What the receiver is told: the shape that Standard Webhooks advises, of names and numbers alone."""
    facts = {name: evidence[name] for name in (*TOLD, *TOLD_TOO) if evidence.get(name) is not None}
    placements = list(_placements(evidence, matched))
    data = {"rules": [rule.name for rule in matched], **facts, "placements": placements}
    return {"type": TYPE, "timestamp": evidence.get("received_at"), "data": data}


def encoded(value: Mapping[str, Any]) -> bytes:
    """Compact JSON. What is signed is what is sent, byte for byte, on every try."""
    return json.dumps(value, default=dict, ensure_ascii=False, separators=(",", ":")).encode()


def _placements(evidence: Evidence, matched: Sequence[Rule]) -> Iterator[dict[str, Any]]:
    """Those that a rule is about, and of every rule those that stopped the request or failed; each once."""
    asked = [rule for rule in matched if rule.plugins or rule.actions or rule.would]
    meant = [each for rule in asked for each in rule.placements(evidence)]
    for each in evidence.get("placements") or ():
        if each.get("action") in {"block", "fail"} or each in meant:
            yield {name: each[name] for name in OF_A_PLACEMENT if each.get(name) is not None}
