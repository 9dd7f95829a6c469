"""Messages, unary: `POST /v1/messages`, request and response as fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Self

from typing_extensions import override

from penstock.content import Content, Unseen
from penstock.dialects import rawjson
from penstock.dialects.anthropic import blocks, members, paths, shape
from penstock.dialects.anthropic.usage import counted
from penstock.dialects.json_content import Change, JsonContent
from penstock.dialects.member_edits import metadata_splices
from penstock.dialects.paths import Matcher
from penstock.dialects.removing import Removals
from penstock.dialects.splicing import Drop, Path, Put, Splice, splice
from penstock.errors import RequestError, UpstreamError
from penstock.evidence.record import Usage
from penstock.sdk.anthropic_paths import MESSAGES
from penstock.sdk.edits import AddText, Edit, MemberEdit
from penstock.sdk.views import TextValues

# What of an upstream's answer stays true when a plugin answers in its place.
_KEPT: Final[tuple[str, ...]] = ("id", "type", "role", "model", "usage")
_OF_TOOLS: Final = ("tools", "tool_choice", "mcp_servers")


class MessagesRequest(JsonContent):
    """A request for a message, or for a count of its tokens."""

    __slots__ = ()

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Raises RequestError (`invalid_request_body`)."""
        text, tree = rawjson.loads(body)
        return cls(text, shape.check(tree), body)

    @property
    @override
    def surface(self) -> str:
        return MESSAGES

    @property
    def model(self) -> str:
        """The model that the caller asks for."""
        return str(self.tree["model"])

    @property
    def other_models(self) -> tuple[str, ...]:
        """Models that the provider may turn to instead, or besides."""
        return tuple(shape.other_models(self.tree))

    @property
    def streams(self) -> bool:
        """Whether the caller wants the answer as a stream."""
        return self.tree.get("stream") is True

    @property
    def streams_usage(self) -> bool:
        """A stream of messages always says its usage."""
        return self.streams

    def with_model(self, name: str, *, asks_usage: bool = False) -> bytes:  # noqa: ARG002 - the seam's
        """The bytes for an upstream that calls the model `name`; nothing else differs."""
        if name == self.model:
            return self.encoded()
        return splice(self.text, [Put(("model",), name)]).encode()  # not parsed again: nobody reads it here

    @override
    def matcher(self) -> Matcher:
        return paths.request_matcher()

    @override
    def removals(self) -> Removals:
        return paths.request_removals()

    @override
    def text_values(self, field: str) -> TextValues:
        found = super().text_values(field)
        return found._replace(tools=members.tools(self.tree)) if field == "request.tools" else found

    @override
    def members(self, field: str) -> Mapping[str, Any]:
        if field == "request.parameters":
            return members.parameters(self.tree)
        if field == "request.metadata":
            return self.tree.get("metadata") or {}
        raise ValueError(f"{field} has no members")

    @override
    def member_splices(self, field: str, edits: Sequence[MemberEdit]) -> list[Splice]:
        match field:
            case "request.metadata":
                return metadata_splices(self.tree, edits)
            case "request.parameters":
                return members.parameter_splices(self.tree, edits)
            case "request.tools":
                return members.tool_splices(self.tree, edits)
            case _:
                raise ValueError(f"{field} has no members that can be written")

    @override
    def added(self, edits: Sequence[AddText]) -> list[Splice]:
        return members.message_splices(self.tree, edits)

    @override
    def edited(self, edits: Sequence[Edit]) -> Self:
        """Additions come last: a `system` that is one text becomes blocks with them, edited or not."""
        additions = [edit for edit in edits if isinstance(edit, AddText)]
        rest = [edit for edit in edits if not isinstance(edit, AddText)]
        edited = super().edited(rest)
        return super(MessagesRequest, edited).edited(additions) if additions else edited

    @override
    def consequences(self, changes: Sequence[Change]) -> list[Splice]:
        gone = blocks.sealed(self.tree, (change.at for change in changes))
        return [*blocks.without_blocks(self.tree, gone)]

    @override
    def replaced(self, text: str) -> MessagesRequest:
        raise ValueError("a request is not replaced")

    @override
    def without(self, unseen: Sequence[Unseen]) -> Self:
        return self._tidied(self.spliced(self._removal(part.at for part in unseen)))

    @override
    def without_field(self, field: str) -> Self:
        return self._tidied(super().without_field(field))

    @override
    def field_removal(self, field: str, places: list[Path]) -> list[Splice]:
        match field:
            case "request.metadata":
                names: Sequence[str | int] = ("metadata",)
            case "request.parameters":
                names = list(dict.fromkeys(at[0] for at in places))
            case "request.tools":
                in_messages = self._removal(at for at in places if at[0] == "messages")
                return [*in_messages, *(Drop((name,)) for name in _OF_TOOLS if name in self.tree)]
            case _:
                return self._removal(places)
        return [Drop((name,)) for name in names if name in self.tree]

    def _removal(self, places: Iterable[Path]) -> list[Splice]:
        return self.removals().plan(self.tree, [blocks.unit_of(self.tree, at) for at in places])

    def _tidied(self, left: Self) -> Self:
        """`left`, which has lost parts, as a body that the API takes. Raises ValueError when it is none."""
        return left.spliced(blocks.tidying(self.tree, left.tree))


class MessagesResponse(JsonContent):
    """A message from the model; or what an upstream says when it refuses to send one."""

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

    @property
    @override
    def surface(self) -> str:
        return MESSAGES

    def usage(self) -> Usage:
        """Tokens as the upstream counted them; what it did not say, or said wrongly, is 0."""
        return counted(self.tree.get("usage"))

    @override
    def replaced(self, text: str) -> MessagesResponse:
        """This answer's envelope, with `text` and nothing else of what the model, or a refusal, said."""
        if type(error := self.tree.get("error")) is dict:
            return response_of({**self.tree, "error": {**error, "message": text}})
        kept = {name: self.tree[name] for name in _KEPT if name in self.tree}
        return response_of({**kept, **_said(text)})

    @override
    def matcher(self) -> Matcher:
        return paths.response_matcher()

    @override
    def removals(self) -> Removals:
        return paths.response_removals()

    @override
    def members(self, field: str) -> Mapping[str, Any]:
        raise ValueError(f"{field} has no members")

    @override
    def member_splices(self, field: str, edits: Sequence[MemberEdit]) -> list[Splice]:
        raise ValueError(f"{field} has no members that can be written")

    @override
    def added(self, edits: Sequence[AddText]) -> list[Splice]:
        raise ValueError("no message can be added to a response")

    @override
    def consequences(self, changes: Sequence[Change]) -> list[Splice]:
        return [*map(Drop, blocks.sealed(self.tree, (change.at for change in changes)))]

    @override
    def without(self, unseen: Sequence[Unseen]) -> Self:
        return self._tidied(self.spliced(self.field_removal("", [part.at for part in unseen])))

    @override
    def without_field(self, field: str) -> Self:
        return self._tidied(super().without_field(field))

    @override
    def field_removal(self, field: str, places: list[Path]) -> list[Splice]:
        return self.removals().plan(self.tree, [blocks.unit_of(self.tree, at) for at in places])

    def _tidied(self, left: Self) -> Self:
        alone = blocks.left_alone(blocks.in_response(self.tree), blocks.in_response(left.tree))
        return left.spliced([*map(Drop, alone)])


def answer(text: str, request: Content, request_id: str) -> MessagesResponse:
    """A plugin's own answer in the upstream's place; no tokens spent."""
    if not isinstance(request, MessagesRequest):
        raise TypeError("a message answers a request for one")
    whose = {"id": f"msg_{request_id}", "type": "message", "role": "assistant", "model": request.model}
    usage = {"input_tokens": 0, "output_tokens": 0}
    return response_of({**whose, **_said(text), "usage": usage})


def response_of(tree: Mapping[str, Any]) -> MessagesResponse:
    """`tree` as a response. Raises ValueError for what JSON cannot say."""
    text = rawjson.dumps(tree)
    return MessagesResponse(text, rawjson.parse(text))


def _said(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": None}
