"""Keeps numbers in its storage, against others who count at the same time, and tells people and a bucket."""

from __future__ import annotations

from penstock.sdk import Allow, Context, Decision, Evidence, Plugin, Request
from penstock.sdk.storage import ABSENT, Storage

DAY_S = 24 * 3600


class Keeper(Plugin):
    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        ctx.record("counted", count(ctx.storage, f"model/{request.model}"))
        if request.model == "echo-urgent":
            ctx.email.send(["soc@acme.example"], "Urgent", "Somebody asks for urgent things.")
        if request.model == "echo-leak":
            ctx.email.send(["eve@evil.example"], "Leak", "Nobody has granted this recipient.")
        return Allow()

    def after_response(self, evidence: Evidence, ctx: Context) -> None:
        number = count(ctx.storage, "requests")
        ctx.email.send(["soc@acme.example"], f"Request {number}", f"It was {evidence.request_id}.")
        ctx.exports.put(f"requests/{evidence.request_id}", b"{}")
        ctx.record("counted", number)


def count(storage: Storage, key: str) -> int:
    """One more under `key`; whoever was there in between counts first."""
    while True:
        found = storage.get(key)
        number: int = found.value + 1 if found else 1
        expected = found.version if found else ABSENT
        if storage.put(key, number, ttl_s=DAY_S, expected=expected) is not None:
            return number
