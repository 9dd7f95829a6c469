"""Masks e-mail addresses; stops one word."""

import re

from penstock.sdk import Allow, Block, Context, Decision, Plugin, Request, Response, Transform

EMAIL = re.compile(r"[a-z0-9.]{1,64}@[a-z0-9.]{1,100}\.[a-z]{2,12}")


class Masker(Plugin):
    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        arguments = request.mcp.arguments
        if any("forbidden" in text for text in arguments):
            return Block("forbidden_word")
        ctx.record("masked", sum(len(EMAIL.findall(text)) for text in arguments))
        return Transform(arguments.sub(EMAIL, "<email>")) if len(arguments) else Allow()

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        return Transform(response.mcp.result.sub(EMAIL, "<email>"))
