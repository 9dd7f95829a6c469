"""Messages, unary: `POST /v1/messages`, request and response as fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Self

from typing_extensions import override

from penstock.content import Content, Unseen
from penstock.dialects.anthropic import blocks, members, paths, shape
from penstock.dialects.anthropic.usage import counted
from penstock.dialects.json_content import Change
from penstock.dialects.model_content import ModelRequest, ModelResponse, NamedMembers
from penstock.dialects.paths import Matcher
from penstock.dialects.removing import Removals
from penstock.dialects.splicing import Drop, Path, Splice
from penstock.evidence.record import Usage
from penstock.sdk.anthropic_paths import MESSAGES
from penstock.sdk.edits import AddText

# What of an upstream's answer stays true when a plugin answers in its place.
_KEPT: Final[tuple[str, ...]] = ("id", "type", "role", "model", "usage")
_OF_TOOLS: Final = ("tools", "tool_choice", "mcp_servers")


class MessagesRequest(ModelRequest):
    """A request for a message, or for a count of its tokens."""

    __slots__ = ()

    @staticmethod
    @override
    def check(tree: Any) -> dict[str, Any]:
        return shape.check(tree)

    @property
    @override
    def surface(self) -> str:
        return MESSAGES

    @property
    @override
    def named(self) -> NamedMembers:
        return members

    @property
    @override
    def other_models(self) -> tuple[str, ...]:
        """Models that the provider may turn to instead, or besides."""
        return tuple(shape.other_models(self.tree))

    @override
    def matcher(self) -> Matcher:
        return paths.request_matcher()

    @override
    def removals(self) -> Removals:
        return paths.request_removals()

    @override
    def added(self, edits: Sequence[AddText]) -> list[Splice]:
        return members.message_splices(self.tree, edits)

    @override
    def consequences(self, changes: Sequence[Change]) -> list[Splice]:
        gone = blocks.sealed(self.tree, (change.at for change in changes))
        return [*blocks.without_blocks(self.tree, gone)]

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


class MessagesResponse(ModelResponse):
    """A message from the model; or what an upstream says when it refuses to send one."""

    __slots__ = ()

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
            return MessagesResponse.of({**self.tree, "error": {**error, "message": text}})
        kept = {name: self.tree[name] for name in _KEPT if name in self.tree}
        return MessagesResponse.of({**kept, **_said(text)})

    @override
    def matcher(self) -> Matcher:
        return paths.response_matcher()

    @override
    def removals(self) -> Removals:
        return paths.response_removals()

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
    return MessagesResponse.of({**whose, **_said(text), "usage": usage})


def response_of(tree: Mapping[str, Any]) -> MessagesResponse:
    """`tree` as a response. Raises ValueError for what JSON cannot say."""
    return MessagesResponse.of(tree)


def _said(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": None}
