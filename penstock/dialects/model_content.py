"""What requests to a model and its answers have in common, whichever dialect words them.

A dialect's class adds what is its own: how a request is checked, its tables, where messages are added, what
must change with a text, and what stands for a text.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

from typing_extensions import override

from penstock.dialects import rawjson
from penstock.dialects.json_content import JsonContent, NamelessContent
from penstock.dialects.member_edits import metadata_splices
from penstock.dialects.splicing import Put, Splice, splice
from penstock.errors import RequestError, UpstreamError
from penstock.sdk.edits import AddText, Edit, MemberEdit
from penstock.sdk.views import TextValues, Tool


class NamedMembers(Protocol):
    """How a dialect reads and writes parameters and tools; a module of functions is one."""

    def parameters(self, tree: Mapping[str, Any], /) -> dict[str, Any]: ...
    def parameter_splices(self, tree: Mapping[str, Any], edits: Sequence[MemberEdit], /) -> list[Splice]: ...
    def tools(self, tree: Mapping[str, Any], /) -> tuple[Tool, ...]: ...
    def tool_splices(self, tree: Mapping[str, Any], edits: Sequence[MemberEdit], /) -> list[Splice]: ...


class ModelRequest(JsonContent):
    """A request that asks one model for an answer."""

    __slots__ = ()

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Raises RequestError (`invalid_request_body`)."""
        text, tree = rawjson.loads(body)
        return cls(text, cls.check(tree), body)

    @staticmethod
    @abstractmethod
    def check(tree: Any) -> dict[str, Any]:
        """`tree`, when it has the shape that its other methods rely on. Raises RequestError."""

    @property
    @abstractmethod
    def named(self) -> NamedMembers: ...

    @property
    def model(self) -> str:
        """The model that the caller asks for."""
        return str(self.tree["model"])

    @property
    @abstractmethod
    def other_models(self) -> tuple[str, ...]:
        """Models that the provider may turn to instead, or besides."""

    @property
    def streams(self) -> bool:
        """Whether the caller wants the answer as a stream."""
        return self.tree.get("stream") is True

    @property
    def streams_usage(self) -> bool:
        """Whether a stream says its usage: always, where a dialect does not let the caller choose."""
        return self.streams

    def with_model(self, name: str, *, asks_usage: bool = False) -> bytes:
        """The bytes for an upstream that calls the model `name`; nothing else differs.

        `asks_usage`: a stream is asked for its usage, also when the caller does not want it
        (`streams_usage`); `hide_usage` then keeps it from the caller.
        """
        splices: list[Splice] = [Put(("model",), name)] if name != self.model else []
        if asks_usage and self.streams and not self.streams_usage:
            splices += self.asking_usage()
        if not splices:
            return self.encoded()
        return splice(self.text, splices).encode()  # not parsed again: nobody reads it here

    def asking_usage(self) -> list[Splice]:
        """What makes a request whose stream would not say its usage ask for it."""
        return []

    @override
    def text_values(self, field: str) -> TextValues:
        found = super().text_values(field)
        return found._replace(tools=self.named.tools(self.tree)) if field == "request.tools" else found

    @override
    def members(self, field: str) -> Mapping[str, Any]:
        if field == "request.parameters":
            return self.named.parameters(self.tree)
        if field == "request.metadata":
            return self.tree.get("metadata") or {}
        raise ValueError(f"{field} has no members")

    @override
    def member_splices(self, field: str, edits: Sequence[MemberEdit]) -> list[Splice]:
        match field:
            case "request.metadata":
                return metadata_splices(self.tree, edits)
            case "request.parameters":
                return self.named.parameter_splices(self.tree, edits)
            case "request.tools":
                return self.named.tool_splices(self.tree, edits)
            case _:
                raise ValueError(f"{field} has no members that can be written")

    @override
    def edited(self, edits: Sequence[Edit]) -> Self:
        """Additions come last: what is one text may become a list with them, edited or not."""
        additions = [edit for edit in edits if isinstance(edit, AddText)]
        if not additions or len(additions) == len(edits):
            return super().edited(edits)
        left = super().edited([edit for edit in edits if not isinstance(edit, AddText)])
        return super(ModelRequest, left).edited(additions)

    @override
    def replaced(self, text: str) -> Self:
        raise ValueError("a request is not replaced")


class ModelResponse(NamelessContent):
    """A model's answer; or what an upstream says when it refuses to give one."""

    __slots__ = ()

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Raises UpstreamError when the upstream sent no JSON object."""
        try:
            text, tree = rawjson.loads(body)
        except RequestError:
            raise UpstreamError("The upstream's answer is not strict JSON.", outcome="malformed") from None
        if type(tree) is not dict:
            raise UpstreamError("The upstream's answer is not a JSON object.", outcome="malformed")
        return cls(text, tree, body)

    @classmethod
    def of(cls, tree: Mapping[str, Any]) -> Self:
        """`tree` as an answer of ours. Raises ValueError for what JSON cannot say."""
        text = rawjson.dumps(tree)
        return cls(text, rawjson.parse(text))

    @override
    def added(self, edits: Sequence[AddText]) -> list[Splice]:
        raise ValueError("no message can be added to a response")
