"""One message as fields: what a client sends to a server, and what a server sends to a client."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

from typing_extensions import override

from penstock.content import Content
from penstock.dialects import rawjson
from penstock.dialects.json_content import Change, JsonContent, NamelessContent
from penstock.dialects.mcp import messages, paths
from penstock.dialects.mcp.messages import Id, Kind
from penstock.dialects.paths import Matcher
from penstock.dialects.removing import Removals
from penstock.dialects.splicing import AddMember, Drop, Path, Put, Splice
from penstock.errors import RequestError, UpstreamError
from penstock.sdk.edits import REMOVED, AddText, MemberEdit
from penstock.sdk.mcp_paths import MCP

# What of `_meta` is the protocol's own: no plugin writes it.
_PROTOCOL: Final = "io.modelcontextprotocol/"
_PROTOCOL_NAMES: Final = frozenset({"progressToken", "traceparent", "tracestate"})


class Message(JsonContent):
    """A JSON-RPC message of either side."""

    __slots__ = ("kind",)

    def __init__(self, text: str, tree: dict[str, Any], body: bytes | None = None) -> None:
        super().__init__(text, tree, body)
        self.kind: Kind = messages.kind_of(tree)

    @classmethod
    @abstractmethod
    def decode(cls, body: bytes) -> Self: ...

    @property
    @override
    def surface(self) -> str:
        return MCP

    @property
    def method(self) -> str | None:
        """None of a response."""
        return messages.method_of(self.tree)

    @property
    def tool(self) -> str | None:
        """The tool that it calls."""
        return messages.tool_of(self.tree)

    @property
    def id(self) -> Id | None:
        """Of a request or a response; None of a notification."""
        found: Id | None = self.tree.get("id")
        return found

    @property
    def params(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.tree.get("params") or {}
        return found

    @override
    def added(self, edits: Sequence[AddText]) -> list[Splice]:
        raise ValueError("nothing can be added to a message of MCP")

    @override
    def consequences(self, changes: Sequence[Change]) -> list[Splice]:
        return []


class ClientMessage(Message):
    """What a client sends: a request, a notification, or the answer to a server's request."""

    __slots__ = ()

    @classmethod
    @override
    def decode(cls, body: bytes) -> Self:
        """Raises RequestError (400)."""
        text, tree = rawjson.loads(body)
        return cls(text, tree, body)

    @override
    def matcher(self) -> Matcher:
        return paths.request_matcher()

    @override
    def removals(self) -> Removals:
        return paths.request_removals()

    def repeated(self) -> bytes:
        """What it says as whoever repeats it says it again: without its own id, progress token and trace."""
        params = {name: value for name, value in self.params.items() if name != "_meta"}
        meta = {name: value for name, value in self.meta.items() if name not in _PROTOCOL_NAMES}
        rest = {name: value for name, value in self.tree.items() if name not in {"id", "params"}}
        # In the order of names: clients build these objects anew, and objects have no order.
        return json.dumps([rest, params, meta], sort_keys=True, separators=(",", ":")).encode()

    @property
    def meta(self) -> Mapping[str, Any]:
        """The `_meta` object of what it says."""
        found = self.tree.get(self._inside, {}).get("_meta")
        return found if type(found) is dict else {}

    @override
    def members(self, field: str) -> Mapping[str, Any]:
        if field == "request.metadata":
            return self.meta
        if field == "request.parameters":
            return {}
        raise ValueError(f"{field} has no members")

    @override
    def member_splices(self, field: str, edits: Sequence[MemberEdit]) -> list[Splice]:
        if field != "request.metadata":
            raise ValueError(f"{field} has no members that can be written")
        set_to = {edit.name: edit.value for edit in edits if edit.value is not REMOVED}
        for name in (edit.name for edit in edits):
            if name in _PROTOCOL_NAMES or name.startswith(_PROTOCOL):
                raise ValueError("an edit names a member of _meta that belongs to the protocol")
        return self._meta_splices(
            set_to, [e.name for e in edits if e.value is REMOVED and e.name in self.meta]
        )

    @override
    def replaced(self, text: str) -> ClientMessage:
        raise ValueError("a request is not replaced")

    @override
    def field_removal(self, field: str, places: list[Path]) -> list[Splice]:
        if field == "request.metadata":
            return [Drop(at) for at in dict.fromkeys(place[:3] for place in places)]
        return self.removals().plan(self.tree, places)

    @property
    def _inside(self) -> str:
        return "result" if self.kind == "response" else "params"

    def _meta_splices(self, set_to: Mapping[str, object], gone: Sequence[str]) -> list[Splice]:
        at: Path = (self._inside, "_meta")
        if "_meta" in self.tree.get(self._inside, {}):
            here = self.meta
            return [
                *(Drop((*at, name)) for name in gone),
                *(Put((*at, name), new) for name, new in set_to.items() if name in here),
                *(AddMember(at, name, new) for name, new in set_to.items() if name not in here),
            ]
        if not set_to:
            return []
        if self._inside in self.tree:
            return [AddMember((self._inside,), "_meta", dict(set_to))]
        if self.kind == "response":
            raise ValueError("an error has no _meta")
        return [AddMember((), "params", {"_meta": dict(set_to)})]


class ServerMessage(NamelessContent, Message):
    """What a server sends: the answer to a request, a notification, or a request of its own."""

    __slots__ = ()

    @classmethod
    @override
    def decode(cls, body: bytes) -> Self:
        """Raises UpstreamError when it is no message."""
        try:
            text, tree = rawjson.loads(body)
            return cls(text, tree, body)
        except RequestError:
            problem = "The MCP server did not send a JSON-RPC message."
            raise UpstreamError(problem, outcome="malformed") from None

    @override
    def matcher(self) -> Matcher:
        return paths.response_matcher()

    @override
    def removals(self) -> Removals:
        return paths.response_removals()

    @property
    def result(self) -> Mapping[str, Any] | None:
        """Of a response that is no error."""
        found: Mapping[str, Any] | None = self.tree.get("result")
        return found

    @override
    def replaced(self, text: str) -> ServerMessage:
        """The result of a tool that says `text` and nothing else. Raises ValueError when it is none."""
        result = self.result
        if result is None or "content" not in result:
            raise ValueError("only the result of a tool can be replaced by a text")
        kept = {name: result[name] for name in ("resultType",) if name in result}
        return _response(self.id, {**kept, **_text(text)})

    @override
    def field_removal(self, field: str, places: list[Path]) -> list[Splice]:
        return self.removals().plan(self.tree, places)


def tool_answer(
    text: str, request: Content, *, is_error: bool = False, code: str | None = None
) -> ServerMessage:
    """The result of a tool's call, without the tool. `code` goes into `_meta`, for programs.

    Raises ValueError when `request` does not call a tool: no other result is a text.
    """
    if not isinstance(request, ClientMessage) or request.tool is None or request.kind != "request":
        raise ValueError("only a tool's call can be answered with a text")
    stateless = any(name.startswith(_PROTOCOL) for name in request.meta)
    result: dict[str, Any] = {"resultType": "complete"} if stateless else {}
    result |= _text(text)
    if is_error:
        result["isError"] = True
    if code is not None:
        result["_meta"] = {"penstock/code": code}
    return _response(request.id, result)


def _text(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}]}


def _response(request_id: Id | None, result: Mapping[str, Any]) -> ServerMessage:
    text = rawjson.dumps({"jsonrpc": "2.0", "id": request_id, "result": result})
    return ServerMessage(text, rawjson.parse(text))
