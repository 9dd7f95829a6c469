"""The messages of one HTTP request, and their ways through both gates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock.denial import Denial
from penstock.dialects.mcp import batch
from penstock.dialects.mcp.content import ClientMessage, ServerMessage, tool_answer
from penstock.errors import FailureClass, PluginError, RequestError
from penstock.gates.exchange import Exchange
from penstock.gates.overrides import Overrides
from penstock.gateway.account import Account
from penstock.gateway.mcp_exchange import facts_of
from penstock.gateway.mcp_records import Runs
from penstock.gateway.parts import Parts
from penstock.sdk.fields import BEFORE


class Flight:
    """First `check` and `before`; then what comes back finds its exchange by `back`."""

    def __init__(
        self,
        parts: Parts,
        account: Account,
        overrides: Overrides,
        facts: Mapping[str, str | None],
        identity: Mapping[str, Any],
        messages: Sequence[ClientMessage],
    ) -> None:
        self._parts = parts
        self._account = account
        self._overrides = overrides
        self.after = Runs(parts.after, overrides, account.digester)
        self.answer: ServerMessage | None = None
        """What a plugin says in the server's place."""
        decisions = [
            {"control": each.stage, "action": each.decision, "reason": each.code} for each in account.controls
        ]
        self.exchanges = [
            Exchange(
                request_id=account.request_id,
                facts=facts_of(facts, message),
                identity=identity,
                request=message,
                digester=account.digester,
                decisions=list(decisions),
                said=message.repeated,
            )
            for message in messages
        ]
        self._by_message = {id(message): at for at, message in enumerate(messages)}

    @property
    def messages(self) -> list[ClientMessage]:
        """As plugins have left them."""
        return [_client(exchange) for exchange in self.exchanges]

    @property
    def headers(self) -> dict[str, str]:
        """What plugins want to be sent besides."""
        return {name: value for each in self.exchanges for name, value in each.request_headers.items()}

    def before(self) -> Denial | None:
        """The gate before the upstream, for each message. Raises PluginError, RequestError."""
        runs = Runs(self._parts.before, self._overrides, self._account.digester)
        try:
            return self._run(runs)
        finally:  # who has run has run, whatever came of it
            if (whole := runs.result()) is not None:
                self._account.gate(BEFORE, whole)

    def body(self, limit_bytes: int, *, is_batch: bool) -> bytes:
        """What is sent to the server. Raises RequestError when plugins have made it too large."""
        encoded = [message.encoded() for message in self.messages]
        body = batch.join(encoded) if is_batch else encoded[0]
        if len(body) > limit_bytes:
            raise RequestError.too_large("The body, as plugins changed it,", limit_bytes)
        return body

    def back(self, asked: ClientMessage | None) -> Exchange:
        """An exchange for what comes back: of the request that it answers, else of the first message."""
        there = self.exchanges[self._by_message.get(id(asked), 0)]
        return Exchange(
            request_id=there.request_id,
            facts=there.facts,
            identity=there.identity,
            request=there.request,
            digester=there.digester,
            request_headers=dict(there.request_headers),
            tags=dict(there.tags),
            decisions=list(there.decisions),
        )

    def _run(self, runs: Runs) -> Denial | None:
        for exchange in self.exchanges:
            result = runs.run(exchange)
            self._account.tags |= exchange.tags
            if result.denial is not None:
                return result.denial
            if result.answer is not None:
                self.answer = self._answered(exchange, result.answer)
        return None

    def _answered(self, exchange: Exchange, text: str) -> ServerMessage:
        if len(self.exchanges) > 1:
            words = "A plugin answers this request itself, which it cannot in a batch: send it on its own."
            raise RequestError(words, code="mcp_batch_not_allowed")
        try:
            return tool_answer(text, exchange.request)
        except ValueError:
            raise PluginError(
                FailureClass.CONTRACT,
                "A plugin answered what only the server can: it may answer tools' calls.",
            ) from None


def checked(messages: Sequence[ClientMessage], check: Callable[[ClientMessage], Any]) -> Any:
    """The first refusal that `check` gives; None when it gives none."""
    return next((found for message in messages if (found := check(message)) is not None), None)


def _client(exchange: Exchange) -> ClientMessage:
    assert isinstance(exchange.request, ClientMessage)  # noqa: S101 - an edited message is of its kind
    return exchange.request
