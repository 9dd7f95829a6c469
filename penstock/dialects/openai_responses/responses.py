"""Responses, unary: `POST /v1/responses`, request and answer as fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

from typing_extensions import override

from penstock.content import Content, Unseen
from penstock.dialects.json_content import Change, JsonContent
from penstock.dialects.model_content import ModelRequest, ModelResponse, NamedMembers
from penstock.dialects.openai_responses import members, paths, shape
from penstock.dialects.openai_responses.echo import Echo
from penstock.dialects.openai_responses.repeats import moved_annotations, repeats
from penstock.dialects.openai_responses.usage import counted
from penstock.dialects.paths import Classified, Matcher
from penstock.dialects.removing import Removals
from penstock.dialects.splicing import Drop, Path, Put, Splice
from penstock.evidence.record import Usage
from penstock.sdk.edits import AddText, Edit
from penstock.sdk.openai_paths import RESPONSES

# What of an upstream's answer stays true when a plugin answers in its place.
_KEPT: Final[tuple[str, ...]] = (
    "id",
    "object",
    "created_at",
    "completed_at",
    "model",
    "service_tier",
    "usage",
)
# What a client's types ask for in every answer.
_PLAIN: Final[Mapping[str, Any]] = {
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": None,
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
}
# What makes an item another one when it is taken out: the whole item goes.
_WHOLE: Final = frozenset({"encrypted_content", "id", "result"})


class ResponsesRequest(ModelRequest):
    """A request for a response."""

    __slots__ = ()

    @staticmethod
    @override
    def check(tree: Any) -> dict[str, Any]:
        return shape.check(tree)

    @property
    @override
    def surface(self) -> str:
        return RESPONSES

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
        return members.item_splices(self.tree, edits)

    @override
    def consequences(self, changes: Sequence[Change]) -> list[Splice]:
        gone = repeats(self.tree, [change.at for change in changes])
        return [*gone, *moved_annotations(self.tree, changes)]

    @override
    def without(self, unseen: Sequence[Unseen]) -> Self:
        return self._tidied(self.spliced(self._removal([unit_of(part.at) for part in unseen])))

    @override
    def field_removal(self, field: str, places: list[Path]) -> list[Splice]:
        match field:
            case "request.metadata":
                names: Sequence[str | int] = ("metadata",)
            case "request.parameters":
                names = list(dict.fromkeys(at[0] for at in places if at[0] != "input"))
            case "request.tools":
                listed = [("tools",), *(at[:2] for at in places if at[0] == "input")]
                drops = [Drop(at) for at in dict.fromkeys(listed) if at[0] != "tools" or "tools" in self.tree]
                return [*drops, *members.without_tools(self.tree)]
            case _:
                return self._removal(places)
        return [Drop((name,)) for name in names if name in self.tree]

    def _removal(self, places: list[Path]) -> list[Splice]:
        """An input all of whose items go is an empty one: the API asks for one."""
        planned = _planned(self, places)
        return [Put(("input",), []) if each == Drop(("input",)) else each for each in planned]

    def _tidied(self, left: Self) -> Self:
        """`left`, which has lost parts, without what an API takes beside tools only."""
        is_bare = bool(self.tree.get("tools")) and not left.tree.get("tools")
        return left.spliced(members.without_tools(left.tree) if is_bare else [])


class ResponsesResponse(ModelResponse):
    """An answer; or what an upstream says when it refuses to give one."""

    __slots__ = ("echo",)

    def __init__(self, text: str, tree: dict[str, Any], body: bytes | None = None) -> None:
        super().__init__(text, tree, body)
        self.echo = Echo()

    @classmethod
    @override
    def decode(cls, body: bytes, echo: Echo | None = None) -> Self:
        """Raises UpstreamError when the upstream sent no JSON object."""
        return super().decode(body).answering(echo)

    def answering(self, echo: Echo | None) -> Self:
        """Itself, to the request that `echo` knows. To be called before anybody has looked at it."""
        self.echo = echo or self.echo
        return self

    @property
    @override
    def surface(self) -> str:
        return RESPONSES

    @property
    @override
    def classified(self) -> Classified:
        if self._classified is None:
            self._classified = self.echo.without(self.matcher().classify(self.tree), self.tree)
        return self._classified

    def usage(self) -> Usage:
        """Tokens as the upstream counted them; what it did not say, or said wrongly, is 0."""
        return counted(self.tree.get("usage"))

    @override
    def edited(self, edits: Sequence[Edit]) -> Self:
        return super().edited(edits).answering(self.echo)

    @override
    def spliced(self, splices: Sequence[Splice]) -> Self:
        return super().spliced(splices).answering(self.echo)

    @override
    def replaced(self, text: str) -> ResponsesResponse:
        """This answer's envelope, with `text` and nothing else of what the model said."""
        kept = {name: self.tree[name] for name in _KEPT if name in self.tree}
        return ResponsesResponse.of(_saying(text, kept))

    @override
    def matcher(self) -> Matcher:
        return paths.response_matcher()

    @override
    def removals(self) -> Removals:
        return paths.response_removals()

    @override
    def consequences(self, changes: Sequence[Change]) -> list[Splice]:
        gone = repeats(self.tree, [change.at for change in changes])
        return [*gone, *moved_annotations(self.tree, changes)]

    @override
    def field_removal(self, field: str, places: list[Path]) -> list[Splice]:
        planned = _planned(self, places)
        known = {at.path for at in planned}
        return planned + [
            each
            for each in repeats(self.tree, places)
            if not any(each.path[:size] in known for size in range(len(each.path) + 1))
        ]


def _planned(content: JsonContent, places: list[Path]) -> list[Splice]:
    """What takes out `places`: arguments that are an object, not a text, become one without members."""
    planned = content.removals().plan(content.tree, places)
    return [_emptied(content.tree, each) for each in planned]


def _emptied(tree: Any, planned: Splice) -> Splice:
    if planned.path[-1:] != ("arguments",):
        return planned
    for step in planned.path:
        tree = tree[step]
    return Put(planned.path, {}) if type(tree) is dict else planned


def unit_of(at: Path) -> Path:
    """What goes when the string at `at` of a request is taken out: sealed thoughts go with their item."""
    is_item = at[0] == "input" and len(at) == 3 and at[2] in _WHOLE
    return at[:2] if is_item else at


def answer(text: str, request: Content, request_id: str, created: int) -> ResponsesResponse:
    """A plugin's own answer in the upstream's place; no tokens spent. `created`: seconds since the epoch."""
    if not isinstance(request, ResponsesRequest):
        raise TypeError("a response answers a request for one")
    whose = {
        "id": f"resp_{request_id}",
        "object": "response",
        "created_at": created,
        "completed_at": created,
        "model": request.model,
        "usage": {
            "input_tokens": 0,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 0,
        },
    }
    return ResponsesResponse.of(_saying(text, whose))


def response_of(tree: Mapping[str, Any]) -> ResponsesResponse:
    """`tree` as an answer. Raises ValueError for what JSON cannot say."""
    return ResponsesResponse.of(tree)


def _saying(text: str, whose: Mapping[str, Any]) -> dict[str, Any]:
    identity = str(whose.get("id", "")).removeprefix("resp_")
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    message = {
        "id": f"msg_{identity}",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [part],
    }
    return {**whose, **_PLAIN, "status": "completed", "output": [message]}
