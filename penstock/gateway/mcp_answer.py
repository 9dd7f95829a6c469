"""What a server sends, message by message: hidden tools taken out, then the gate after the upstream.

Each message is whole, so each is a unary body to the gate, whether it came as JSON or in an event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from penstock.denial import Denial
from penstock.dialects.mcp import batch, errors, protocol
from penstock.dialects.mcp.content import ClientMessage, ServerMessage, tool_answer
from penstock.dialects.mcp.messages import Id
from penstock.errors import PenstockError, UpstreamError
from penstock.evidence.record import ControlRecord
from penstock.gates.exchange import Exchange
from penstock.gateway.account import Account
from penstock.gateway.mcp_call import RESERVED
from penstock.gateway.mcp_memory import ToolMemory
from penstock.gateway.mcp_records import Runs
from penstock.gateway.mcp_tools import ARGUMENTS, shown
from penstock.gateway.reply import noted
from penstock.governance.mcp_access import McpServer


class Passed(NamedTuple):
    """One message as it may leave, or why it may not."""

    message: ServerMessage
    denial: Denial | None = None


class Answer:
    """What one HTTP request is answered with. `pending`: the requests that still wait, by id."""

    def __init__(
        self,
        server: McpServer,
        memory: ToolMemory,
        account: Account,
        runs: Runs,
        exchange: Callable[[ClientMessage | None], Exchange],
        requests: Mapping[Id, ClientMessage] | None,
    ) -> None:
        """`requests` None: a stream that goes on with what earlier requests asked for, so any id may come."""
        self.pending = dict(requests or {})
        self.headers: dict[str, str] = {}
        """What plugins want the caller to be told besides, once a message has passed them."""
        self._is_open = requests is None
        self._server = server
        self._memory = memory
        self._account = account
        self._runs = runs
        self._exchange = exchange
        self._told: dict[tuple[str, str | None, str | None], ControlRecord] = {}

    @property
    def is_complete(self) -> bool:
        """Whether every request has its answer."""
        return not self._is_open and not self.pending

    def messages(self, body: bytes) -> list[ServerMessage]:
        """What a body or an event carries: one message, or a list of them. Raises UpstreamError."""
        if not batch.is_batch(body):
            return [ServerMessage.decode(body)]
        try:
            return [ServerMessage.decode(piece) for piece in batch.split(body)]
        except PenstockError as error:
            raise _malformed() from error

    def passed(self, message: ServerMessage) -> Passed:
        """A message through the rules and the gate. Raises UpstreamError for an answer to nothing."""
        asked = self._asked(message)
        listing = shown(message, self._server, self._memory)
        self._tell(listing.controls)
        exchange = self._exchange(asked)
        exchange.response, exchange.status = listing.message, 200
        result = self._runs.run(exchange)
        self._account.tags |= exchange.tags
        self.headers |= _told_besides(exchange)
        if result.denial is not None:
            return Passed(message, result.denial)
        left = exchange.response
        assert isinstance(left, ServerMessage)  # noqa: S101 - an edited message is of the kind that it was
        return Passed(left)

    def settle(self, messages: Sequence[ServerMessage]) -> list[ClientMessage]:
        """These leave: the requests that they answer wait no longer. UpstreamError for a second answer."""
        settled: list[ClientMessage] = []
        for message in messages:
            if message.kind == "response" and not self._is_open:
                key = self._key(message)
                asked = None if key is None else self.pending.pop(key, None)
                if asked is None:
                    raise _malformed()
                settled.append(asked)
        return settled

    def refusals(self, why: Denial | PenstockError, held: Sequence[ClientMessage] = ()) -> list[bytes]:
        """What tells each request why it gets nothing else. `held`: those whose answers are held back."""
        waiting = (*self.pending.values(), *held)
        said = [refusal_of(why, asked, self._account.request_id) for asked in waiting]
        self.pending.clear()
        return said

    def _asked(self, message: ServerMessage) -> ClientMessage | None:
        """The request that `message` answers; None for what answers none."""
        if message.kind != "response":
            return None
        if self._is_open:
            return None
        key = self._key(message)
        if key is None or key not in self.pending:
            raise _malformed()
        return self.pending[key]

    def _key(self, message: ServerMessage) -> Id | None:
        """The id of the request; of an error without one, that of the only request there is."""
        if message.id is None and len(self.pending) == 1:
            return next(iter(self.pending))
        return message.id

    def _tell(self, controls: list[ControlRecord]) -> None:
        """Into the record, each once: a list can come in many events. What they count adds up."""
        for control in controls:
            key = (control.decision, control.code, control.scope)
            known = self._told.setdefault(key, control)
            if known is control:
                self._account.controls.append(control)
            elif control.limit is not None:
                known.limit = (known.limit or 0) + control.limit


def _told_besides(exchange: Exchange) -> dict[str, str]:
    """Headers and notes of plugins. Those of the protocol are the gateway's own."""
    headers = exchange.response_headers | noted(exchange.notes)
    return {name: value for name, value in headers.items() if not name.lower().startswith(RESERVED)}


def is_for_the_model(why: Denial | PenstockError, asked: ClientMessage) -> bool:
    """Whether a refusal is told as a tool's own error."""
    is_call = asked.method == protocol.CALL_TOOL and asked.kind == "request"
    if not is_call or not isinstance(why, Denial) or why.reference is not None:
        return False  # what waits for somebody's approval, no model can do better
    return why.kind == "plugin_blocked" or why.code == ARGUMENTS


def refusal_of(why: Denial | PenstockError, asked: ClientMessage, request_id: str) -> bytes:
    """The message that answers `asked` with a refusal.

    A plugin's block of a tool's call, and arguments that rules do not allow, are the tool's own error: hosts
    show that to the model, which can do better; a JSON-RPC error ends most hosts' turn. All else is an error.
    """
    if is_for_the_model(why, asked):
        return tool_answer(str(getattr(why, "message", why)), asked, is_error=True, code=why.code).encoded()
    return errors.error_message(why, request_id, asked.id)


def _malformed() -> UpstreamError:
    return UpstreamError("The MCP server sent an answer to nothing that was asked.", outcome="malformed")
