"""Stops payment cards in prompts; masks e-mail addresses on the way out and on the way back."""

from penstock.sdk import Block, Context, Decision, Plugin, Request, Response, Transform

from .detect import EMAIL, has_card


class CardGuard(Plugin):
    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        if any(has_card(text) for text in request.messages.user):
            return Block("card_number")
        return Transform(request.messages.user.sub(EMAIL, "<email>"))

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        return Transform(response.text.sub(EMAIL, "<email>"))
