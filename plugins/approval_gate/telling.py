"""Tells approvers: who asks for what, and each his own link. No word of the request itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from penstock.sdk import Context
from penstock.sdk.delivery import compact_json
from penstock.sdk.signing import send_signed
from penstock.sdk.workflow import Run

from .asks import Asks
from .settings import GateConfig

TYPE: Final = "penstock.approval.asked"
FACTS: Final = (
    "organisation",
    "team",
    "user",
    "api_key",
    "tenant",
    "model",
    "mcp_tool",
    "route",
    "reference",
)
MAX_CHARS: Final = 120
# What MCP's names of tools are made of (SEP-986). Callers choose them, and mail programs make links of more.
TOOL: Final = re.compile(r"[A-Za-z0-9_./-]{1,128}")
UNNAMED_TOOL: Final = "(a name that could mislead: see the page)"


def tell(run: Run, ctx: Context[GateConfig], asks: Asks, now_s: int) -> Exception | None:
    """Tell everybody who has not been told of this run; the last thing that went wrong.

    Who is told is noted at once: where only some could be, a second attempt leaves the others in peace.
    """
    told = asks.told(run.run_id)
    urls = {label: run.approval_url("decide", label) for label in ctx.config.approvers if label not in told}
    if ctx.config.channel == "email":
        return _write(run, ctx, asks, urls)
    if urls:
        body = compact_json(notification(asks.shown(run.run_id), run.run_id, urls))
        message_id = f"msg_{run.run_id}_approval-gate"
        send_signed(ctx, str(ctx.config.url), message_id, body, clock=lambda: now_s)
        asks.note_told(run.run_id, list(urls))
    return None


def _write(run: Run, ctx: Context[GateConfig], asks: Asks, urls: Mapping[str, str]) -> Exception | None:
    details, error = asks.shown(run.run_id), None
    for label, url in urls.items():
        text = message(details, url, ctx.config.answer_within_s)
        try:
            ctx.email.send([ctx.config.approvers[label]], subject(details), text)
        except Exception as failed:  # noqa: BLE001 - the others are told all the same
            error = failed
            continue
        asks.note_told(run.run_id, [*asks.told(run.run_id), label])
    return error


def subject(details: Mapping[str, Any]) -> str:
    """One line."""
    return f"Approval asked: {_named(details, 'model', 'mcp_tool')} for {_named(details, 'api_key')}"


def message(details: Mapping[str, Any], url: str, within_s: int) -> str:
    """The e-mail of one approver."""
    facts = "\n".join(f"  {name}: {_said(name, details[name])}" for name in FACTS if details.get(name))
    return (
        f"Somebody wants to use what needs your approval:\n\n{facts}\n\n"
        f"To see the request and to answer, open this link:\n\n{url}\n\n"
        "The link is yours: who has it can answer in your place, so pass it on to nobody. Opening it decides "
        f"nothing. Without an answer within {_span(within_s)} the request stays refused.\n"
    )


def notification(details: Mapping[str, Any], run: str, urls: Mapping[str, str]) -> dict[str, Any]:
    """The body of the webhook."""
    asked_at = datetime.fromtimestamp(details.get("asked_at_s", 0), UTC)
    facts = {name: details[name] for name in FACTS if details.get(name)}
    approvals = [{"approver": label, "url": url} for label, url in urls.items()]
    data = {"run": run, **facts, "approvals": approvals}
    return {"type": TYPE, "timestamp": f"{asked_at:%Y-%m-%dT%H:%M:%SZ}", "data": data}


def _named(details: Mapping[str, Any], *names: str) -> str:
    found = next((_said(name, details[name]) for name in names if details.get(name)), "a request")
    return found[:MAX_CHARS]


def _said(name: str, value: Any) -> str:
    is_odd = name == "mcp_tool" and TOOL.fullmatch(str(value)) is None
    return UNNAMED_TOOL if is_odd else _line(value)


def _line(value: Any) -> str:
    """A name on one line: nothing in it can begin another line of the message, or a header."""
    return "".join(sign if sign.isprintable() else " " for sign in str(value))[: 2 * MAX_CHARS]


def _span(seconds: int) -> str:
    return f"{seconds // 3600} hours" if seconds >= 7_200 else f"{seconds // 60} minutes"
