"""What a client has posted: messages of one version of the protocol, checked as far as no server is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from penstock.dialects.mcp import batch, headers, protocol
from penstock.dialects.mcp.content import ClientMessage
from penstock.dialects.mcp.messages import Id
from penstock.errors import RequestError
from penstock.gateway.mcp_exchange import METHODS
from penstock.governance.denied import Denied, deny
from penstock.governance.mcp_access import McpServer

STAGE = "mcp_method"
METHOD_NOT_ALLOWED = "mcp_method_not_allowed"
_WANTED = frozenset({"application/json", "text/event-stream"})


@dataclass(frozen=True, slots=True)
class Posted:
    """The messages of one POST, in order."""

    messages: tuple[ClientMessage, ...]
    version: str
    is_batch: bool

    @property
    def is_stateless(self) -> bool:
        return self.version in protocol.STATELESS_VERSIONS

    @property
    def requests(self) -> dict[Id, ClientMessage]:
        """Those that get an answer, by id."""
        return {
            message.id: message
            for message in self.messages
            if message.kind == "request" and message.id is not None
        }


def read_posted(http_headers: Mapping[str, str], body: bytes) -> Posted:
    """Raises RequestError: what a client must do otherwise before anything can be said of its messages."""
    _check_media(http_headers)
    is_batch = batch.is_batch(body)
    pieces = batch.split(body) if is_batch else [body]
    messages = tuple(map(ClientMessage.decode, pieces))
    version = headers.version_of(http_headers, messages[0])
    posted = Posted(messages, version, is_batch)
    if is_batch:
        _check_batch(posted)
    elif posted.is_stateless:
        headers.check_stateless(http_headers, messages[0])
    return posted


def check_method(message: ClientMessage, server: McpServer) -> Denied | None:
    """A refusal of a method that neither MCP nor configuration knows: nobody could say what it does."""
    method = message.method
    is_known = method is None or method in METHODS or method in server.methods
    if is_known and (method != protocol.LISTEN or server.listen):
        return None
    words = "This method is not open here. Ask who runs the gateway."
    return deny(STAGE, METHOD_NOT_ALLOWED, 404, words, kind="invalid_request")


def _check_media(http_headers: Mapping[str, str]) -> None:
    sent = http_headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != "application/json":
        words = "Send the message with Content-Type: application/json."
        raise RequestError(words, code="unsupported_media_type", status=415)
    kinds = {kind.partition(";")[0].strip().lower() for kind in http_headers.get("accept", "").split(",")}
    if not (kinds >= _WANTED or "*/*" in kinds):
        words = "Send Accept: application/json, text/event-stream."
        raise RequestError(words, code="not_acceptable", status=406)


def _check_batch(posted: Posted) -> None:
    if posted.version != protocol.BATCH_VERSION:
        words = "This version of MCP has no batches: send each message in a POST of its own."
        raise RequestError(words, code="mcp_batch_not_allowed")
    if sum(message.kind == "request" for message in posted.messages) != len(posted.requests):
        raise RequestError("Two requests of a batch have the same id.")
    kinds = {message.kind == "response" for message in posted.messages}
    calls = [message for message in posted.messages if message.tool is not None]
    if len(kinds) > 1 or len(calls) > 1:
        words = "A batch has either responses or other messages, and calls one tool at most."
        raise RequestError(words, code="mcp_batch_not_allowed")
    if any(message.method == protocol.INITIALIZE for message in posted.messages):
        raise RequestError("`initialize` is not sent in a batch.", code="mcp_batch_not_allowed")
