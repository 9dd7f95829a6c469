"""A guard that lets a stream pass in windows."""

from __future__ import annotations

from penstock.sdk import Block, Context, Decision, Plugin, Response, Transform


class Stopper(Plugin):
    """Stops at one word and masks another."""

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        found = response.text.search("FORBIDDEN")
        return Block("forbidden", at=found) if found else Transform(response.text.sub("SECRET", "<...>"))
