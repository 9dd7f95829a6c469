"""Tells one approved host of requests that a rule matches. Sees no content: evidence holds none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Self

from pydantic import Field, model_validator

from penstock.sdk import Context, Evidence, Plugin, PluginConfig
from penstock.sdk.delivery import Url, compact_json
from penstock.sdk.rules import Rule, checked_rules
from penstock.sdk.signing import message_id, send_signed

NAME: Final = "webhook-notify"
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
        body = compact_json(notification(evidence, matched))
        ctx.record("body_bytes", len(body))

        told = message_id(evidence.request_id, NAME, body)
        send_signed(ctx, ctx.config.url, told, body, clock=self.clock, sleep=self.sleep)


def notification(evidence: Evidence, matched: Sequence[Rule]) -> dict[str, Any]:
    """What the receiver is told: the shape that Standard Webhooks advises, of names and numbers alone."""
    facts = {name: evidence[name] for name in (*TOLD, *TOLD_TOO) if evidence.get(name) is not None}
    placements = list(_placements(evidence, matched))
    data = {"rules": [rule.name for rule in matched], **facts, "placements": placements}
    return {"type": TYPE, "timestamp": evidence.get("received_at"), "data": data}


def _placements(evidence: Evidence, matched: Sequence[Rule]) -> Iterator[dict[str, Any]]:
    """Those that a rule is about, and of every rule those that stopped the request or failed; each once."""
    asked = [rule for rule in matched if rule.plugins or rule.actions or rule.would]
    meant = [each for rule in asked for each in rule.placements(evidence)]
    for each in evidence.get("placements") or ():
        if each.get("action") in {"block", "fail"} or each in meant:
            yield {name: each[name] for name in OF_A_PLACEMENT if each.get(name) is not None}
