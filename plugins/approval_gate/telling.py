"""Tells approvers: who asks for what, and each his own link. No word of the request itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from penstock.sdk import Context
from penstock.sdk.delivery import Answer, attempted, post
from penstock.sdk.workflow import Run

from .asks import Asks
from .settings import GateConfig
from .signing import signed_headers, signing_key

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


def tell(run: Run, ctx: Context[GateConfig], asks: Asks, now_s: int) -> Exception | None:
    """Tell everybody who has not been told of this run; the last thing that went wrong.

    Who is told is noted at once: where only some could be, a second attempt leaves the others in peace.
    """
    told = asks.told(run.run_id)
    urls = {label: run.approval_url("decide", label) for label in ctx.config.approvers if label not in told}
    if ctx.config.channel == "email":
        return _write(run, ctx, asks, urls)
    if urls:
        _post(run, ctx, notification(asks.shown(run.run_id), run.run_id, urls), now_s)
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


def _post(run: Run, ctx: Context[GateConfig], body: bytes, now_s: int) -> None:
    """One signed webhook. Raises for what the receiver did not take."""

    def send(fresh: bool) -> Answer:
        # Two keys, parted by a space, while the receiver changes from the one to the other.
        secret = ctx.secret("signing_key", fresh=fresh).get_secret_value()
        keys = [signing_key(part) for part in secret.split()]
        headers = signed_headers(f"msg_{run.run_id}_approval-gate", now_s, body, keys)
        return post(ctx, str(ctx.config.url), body, {**headers, "content-type": "application/json"})

    attempted(send, lambda: ctx.remaining_ms).expect_taken()


def subject(details: Mapping[str, Any]) -> str:
    """One line."""
    return f"Approval asked: {_named(details, 'model', 'mcp_tool')} for {_named(details, 'api_key')}"


def message(details: Mapping[str, Any], url: str, within_s: int) -> str:
    """The e-mail of one approver."""
    facts = "\n".join(f"  {name}: {_line(details[name])}" for name in FACTS if details.get(name))
    return (
        f"Somebody wants to use what needs your approval:\n\n{facts}\n\n"
        f"To see the request and to answer, open this link:\n\n{url}\n\n"
        "The link is yours: who has it can answer in your place, so pass it on to nobody. Opening it decides "
        f"nothing. Without an answer within {_span(within_s)} the request stays refused.\n"
    )


def notification(details: Mapping[str, Any], run: str, urls: Mapping[str, str]) -> bytes:
    """The body of the webhook: compact JSON. What is signed is what is sent, byte for byte, on every try."""
    asked_at = datetime.fromtimestamp(details.get("asked_at_s", 0), UTC)
    facts = {name: details[name] for name in FACTS if details.get(name)}
    approvals = [{"approver": label, "url": url} for label, url in urls.items()]
    data = {"run": run, **facts, "approvals": approvals}
    told = {"type": TYPE, "timestamp": f"{asked_at:%Y-%m-%dT%H:%M:%SZ}", "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _named(details: Mapping[str, Any], *names: str) -> str:
    found = next((details[name] for name in names if details.get(name)), "a request")
    return _line(found)[:MAX_CHARS]


def _line(value: Any) -> str:
    """A name on one line: nothing in it can begin another line of the message, or a header."""
    return "".join(sign if sign.isprintable() else " " for sign in str(value))[: 2 * MAX_CHARS]


def _span(seconds: int) -> str:
    return f"{seconds // 3600} hours" if seconds >= 7_200 else f"{seconds // 60} minutes"
