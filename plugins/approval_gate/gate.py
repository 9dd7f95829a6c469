"""Lets a request pass when a person has approved it, and asks that person. See README.md."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from penstock.sdk import Allow, Block, Context, Decision, Plugin, Request, UndeliverableError
from penstock.sdk.workflow import Run

from .asks import Ask, Asks
from .details import details_of
from .settings import GateConfig
from .telling import tell

TRIES: Final = 4
# What a client of MCP says besides using something: it begins, ends and looks at what there is.
FREE: Final = frozenset(
    {
        *("initialize", "ping", "server/discover", "logging/setLevel"),
        *("tools/list", "prompts/list", "resources/list", "resources/templates/list"),
    }
)


class ApprovalGate(Plugin):
    """See README.md."""

    config_model = GateConfig
    clock: Callable[[], float] = staticmethod(time.time)

    def before_upstream(self, request: Request, ctx: Context[GateConfig]) -> Decision:
        if _is_free(request):
            ctx.record("approval", "free")
            return Allow()
        asks, reference = Asks(ctx.storage, self.clock), request.reference
        for _ in range(TRIES):
            decision = self._decided(request, ctx, asks, asks.of(reference))
            if decision is not None:
                return decision
        raise RuntimeError("others changed this approval all the time; nobody passes on what is not sure")

    def step_tell(self, run: Run, ctx: Context[GateConfig]) -> str:
        """Tell each approver once. Raises when nobody could be told: the step is tried again."""
        asks, config = Asks(ctx.storage, self.clock), ctx.config
        error = tell(run, ctx, asks, int(self.clock()))
        reached = asks.told(run.run_id)
        ctx.record("approvers_told", len(reached))
        ctx.record("approvers_untold", len(config.approvers) - len(reached))
        if error is not None and not reached:
            raise error
        return "told"

    def step_forget(self, run: Run, ctx: Context[GateConfig]) -> None:
        """Nobody could be told: who sends the request again asks anew. The run fails, which alarms."""
        asks = Asks(ctx.storage, self.clock)
        ask = asks.of(run.reference)
        if ask is not None and ask.run == run.run_id:
            asks.forget(run.reference, ask)
        asks.cover(run.run_id)
        ctx.record("approval", "untold")
        raise UndeliverableError("no approver could be told: look at the records of the step before")

    def step_settle(self, run: Run, ctx: Context[GateConfig]) -> None:
        """Make the answer count for who repeats the request. A second time it changes nothing."""
        asks, config, outcome = Asks(ctx.storage, self.clock), ctx.config, run.outcomes.get("decide", "")
        ctx.record("approval", outcome if outcome in {"approved", "denied"} else "expired")
        asks.cover(run.run_id)
        ask = asks.of(run.reference)
        if ask is None or ask.run != run.run_id or ask.standing in {"approved", "denied"}:
            return
        if outcome == "approved":
            kept = asks.put(run.reference, asks.settled(ask, "approved", config.lifetime_s, config.uses))
        elif outcome == "denied":
            kept = asks.put(run.reference, asks.settled(ask, "denied", config.denial_s))
        else:
            asks.forget(run.reference, ask)
            return
        if kept is None:
            raise RuntimeError("the approval changed meanwhile; the step is tried again")

    def _decided(
        self, request: Request, ctx: Context[GateConfig], asks: Asks, ask: Ask | None
    ) -> Decision | None:
        """What follows from how it stands; None when somebody else has changed that meanwhile."""
        if ask is None or asks.is_stuck(ask) or (ask.standing == "approved" and not ask.uses):
            return self._asked(request, ctx, asks, ask)
        if ask.standing == "denied":
            ctx.record("approval", "denied")
            return Block("approval_denied")
        if ask.standing == "approved":
            if asks.put(request.reference, ask._replace(uses=ask.uses - 1)) is None:
                return None
            ctx.record("approval", "approved")
            ctx.record("uses_left", ask.uses - 1)
            return Allow()
        ctx.record("approval", "pending")
        return Block("approval_required", refer=True)

    def _asked(
        self, request: Request, ctx: Context[GateConfig], asks: Asks, before: Ask | None
    ) -> Decision | None:
        """Ask, when nobody else does at the same time. Raises StorageError: then nothing has been asked."""
        config, reference = ctx.config, request.reference
        is_again = before is not None and before.standing == "starting"
        if not is_again and not asks.may_ask(str(request.identity["api_key"]), config.asks_per_hour):
            ctx.record("approval", "limited")
            return Block("too_many_asked")
        run = before.run if is_again and before is not None else f"{ctx.request_id}-{reference[:10]}"
        new = asks.new(run, config.answer_within_s)
        ask = asks.put(reference, new._replace(version=before.version) if before is not None else new)
        if ask is None:
            return None
        try:
            asks.show(run, details_of(request, config, int(self.clock())), config.answer_within_s)
            ctx.workflow.start(run, reference=reference)
        except Exception:
            asks.forget(reference, ask)  # the next request tries again, and not only after a minute
            raise
        asks.put(reference, ask._replace(standing="asked"))
        ctx.record("approval", "required")
        return Block("approval_required", refer=True)


def _is_free(request: Request) -> bool:
    """Whether it is a message of MCP that uses nothing: of the other kinds each needs an approval.

    Who is not granted the method, as where no MCP is in scope, cannot tell and asks.
    """
    if not request.grants("request.mcp.method"):
        return False
    method = request.mcp.method
    if method is None:
        return request.route.startswith("/mcp/")  # the answer to a question of the server's
    return method in FREE or method.startswith("notifications/")
