"""Tells people by e-mail of requests that a rule matches, a window at a time. Sees no content."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from penstock.sdk import Context, Evidence, Plugin, PluginConfig
from penstock.sdk.rules import Rule, checked_rules
from penstock.sdk.storage import Storage
from penstock.sdk.workflow import Run

from .digest import subject, text
from .window import Match, add, claim, finish, mark_started, release

Address = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._+-]{1,64}@[a-z0-9.-]{3,253}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}$")]

# The run of a window tries to send it for some two hours; by then it has failed, and its alarm has gone off.
OVERDUE_S = 3 * 3600


class DigestConfig(PluginConfig):
    """Settings in `gateway.toml`, under `[plugin.config]`."""

    to: tuple[Address, ...] = Field(min_length=1, max_length=50)
    """Whom it writes to; the grant's `email` must admit each."""
    rules: tuple[Rule, ...] = Field(min_length=1, max_length=50)
    window_s: int = Field(default=900, ge=60, le=86_400)
    ids_per_rule: int = Field(default=20, ge=0, le=50)
    name: Word = "Penstock"
    """How subjects begin."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        checked_rules(self.rules)
        return self


class EmailNotify(Plugin):
    """See README.md."""

    config_model = DigestConfig
    clock: Callable[[], float] = staticmethod(time.time)

    def after_response(self, evidence: Evidence, ctx: Context[DigestConfig]) -> None:
        matched = [rule.name for rule in ctx.config.rules if rule.matches(evidence)]
        ctx.record("matched_rules", len(matched))
        if not matched:
            return
        window = add(ctx.storage, match_of(evidence, matched), self.clock(), ctx.config.ids_per_rule)
        if not window["started"]:
            # Before this is sure to happen the message is not done: a copy of it starts the same run.
            ctx.workflow.start(window["id"])
            mark_started(ctx.storage, window["id"])
        if window["opened_at"] + ctx.config.window_s + OVERDUE_S <= self.clock():
            self._send(ctx, None)

    def step_send(self, run: Run, ctx: Context[DigestConfig]) -> str:
        return "sent" if self._send(ctx, run.run_id) else "nothing"

    def _send(self, ctx: Context[DigestConfig], wanted: str | None) -> int:
        """How many digests went: the wanted window's, or the open one's, after what a try has left."""
        sent = 0
        while (window := claim(ctx.storage, self.clock(), wanted)) is not None:
            with _released(ctx.storage, window["id"]):
                message = text(window, ctx.config.window_s)
                ctx.email.send(ctx.config.to, subject(window, ctx.config.name), message)
            finish(ctx.storage, window["id"])
            ctx.record("digests_sent", 1)
            ctx.record("digested", window["requests"])
            sent += 1
        return sent


@contextmanager
def _released(storage: Storage, window_id: str) -> Iterator[None]:
    """What fails inside gives the window back for the next try. Who is killed cannot: its lease runs out."""
    try:
        yield
    except Exception:
        with suppress(Exception):  # the lease runs out by itself; why nothing left is what must be told
            release(storage, window_id)
        raise


def match_of(evidence: Evidence, matched: list[str]) -> Match:
    """What is counted of a request."""
    record = json.dumps(dict(evidence), default=dict, ensure_ascii=False, separators=(",", ":"))
    return Match(
        key=hashlib.sha256(record.encode()).hexdigest()[:16],
        request_id=evidence.request_id,
        rules=tuple(matched),
        code=evidence.get("code"),
        cost_nanousd=evidence.get("cost_nanousd") or 0,
    )
