"""The plugins that are measured: they do next to nothing, so that what is seen is the gateway's own cost.

`Look` reads every text that it is granted and leaves a number in the evidence; it could block, so nothing
may pass it unseen. `Edit` also changes one word of each text, so that every placement sees another body.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from penstock.gates.placement import Placement
from penstock.sdk import Allow, Context, Decision, Plugin, Request, Response, Texts, Transform
from penstock.sdk.context import RecordSpec
from penstock.sdk.contract import Terms
from penstock.sdk.fields import AFTER, BEFORE, Moment

ROLES: Final = ("request.messages.system", "request.messages.user", "request.messages.assistant")
TEXT: Final = ("response.text",)
MCP: Final = {BEFORE: ("request.mcp.arguments",), AFTER: ("response.mcp.result",)}
WINDOW_CHARS: Final = 32
_TICKET: Final = re.compile(r"ticket-(\d+)")


class Look(Plugin):
    """Counts characters."""

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        messages = request.messages
        return _counted(ctx, messages.system, messages.user, messages.assistant)

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        return _counted(ctx, response.text)


class LookTool(Look):
    """Counts characters of what MCP carries."""

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        return _counted(ctx, request.mcp.arguments)

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        return _counted(ctx, response.mcp.result)


class Edit(Plugin):
    """Gives every ticket the next number."""

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        _counted(ctx, request.messages.user)
        return Transform(request.messages.user.sub(_TICKET, _next))

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        _counted(ctx, response.text)
        return Transform(response.text.sub(_TICKET, _next))


def placement(
    name: str, moment: Moment, effects: frozenset[str], order: int, reads: tuple[str, ...] = ()
) -> Placement:
    """An enforcing, ordered placement that reads the whole conversation, or the whole answer, or `reads`."""
    reads = reads or (ROLES if moment == BEFORE else TEXT)
    writes = frozenset(reads) if "transform" in effects else frozenset[str]()
    return Placement(
        plugin=name,
        version="1.0.0",
        digest="sha256:" + "0" * 64,
        moment=moment,
        style="ordered",
        host="in_process",
        timeout_ms=5_000,  # a deadline that a busy machine meets too; to arm it costs the same
        on_error="block",
        order=order,
        reads=reads,
        terms=Terms(writes, effects, frozenset({"found"})),
        reasons={"found": "Something was found."},
        records={"chars": RecordSpec(unit="count", minimum=0, maximum=10_000_000)},
    )


def watching(name: str, order: int = 0) -> Placement:
    """In a function of its own, and free only to leave a number in the evidence: nobody need wait for it."""
    looks = placement(name, BEFORE, frozenset({"record"}), order)
    return replace(looks, style="independent", host="function", on_error="allow")


def windowed(name: str, order: int) -> Placement:
    """An `Edit` at the stream, which keeps back what a ticket may still become."""
    effects = frozenset({"block", "transform", "record"})
    whole = placement(name, AFTER, effects, order)
    return replace(whole, stream="window", window_chars=WINDOW_CHARS, max_hold_chars=4 * WINDOW_CHARS)


def _counted(ctx: Context, *views: Texts) -> Decision:
    ctx.record("chars", sum(len(text) for view in views for text in view))
    return Allow()


def _next(found: re.Match[str]) -> str:
    return f"ticket-{int(found[1]) + 1}"
