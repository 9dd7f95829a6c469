"""A guard that needs the whole answer."""

from __future__ import annotations

from penstock.sdk import Block, Context, Decision, Plugin, Response, Transform


class Holder(Plugin):
    """Stops at one word and masks another, in whatever the whole answer is."""

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        if any("FORBIDDEN" in text for text in response.text):
            return Block("forbidden")
        return Transform(response.text.map(lambda text: text.replace("SECRET", "<...>")))
