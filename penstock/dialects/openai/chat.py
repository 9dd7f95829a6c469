"""Chat completions, unary: `POST /v1/chat/completions`, request and response as fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from typing_extensions import override

from penstock.content import Content
from penstock.dialects.json_content import Change
from penstock.dialects.model_content import ModelRequest, ModelResponse, NamedMembers
from penstock.dialects.openai import members, paths, shape
from penstock.dialects.openai.repeats import moved_annotations, repeats
from penstock.dialects.paths import Matcher
from penstock.dialects.removing import Removals
from penstock.dialects.splicing import AddMember, Drop, Path, Put, Splice
from penstock.evidence.record import MAX_COUNT, Usage
from penstock.sdk.edits import AddText
from penstock.sdk.fields import CHAT

_MAX_CHOICES: Final = 128  # OpenAI's bound of `n` (API reference, chat completions)
_WITH_TOOLS: Final = ("tools", "functions", "tool_choice", "function_call", "parallel_tool_calls")
# What of an upstream's answer stays true when a plugin answers in its place.
_KEPT: Final[tuple[str, ...]] = (
    "id",
    "object",
    "created",
    "model",
    "service_tier",
    "system_fingerprint",
    "usage",
)


class ChatRequest(ModelRequest):
    """A request for a chat completion."""

    __slots__ = ()

    @staticmethod
    @override
    def check(tree: Any) -> dict[str, Any]:
        return shape.check(tree)

    @property
    @override
    def surface(self) -> str:
        return CHAT

    @property
    @override
    def named(self) -> NamedMembers:
        return members

    @property
    @override
    def other_models(self) -> tuple[str, ...]:
        """Models that a router behind this provider may turn to instead."""
        return tuple(other for name in shape.OTHER_MODELS for other in self.tree.get(name) or ())

    @property
    @override
    def streams_usage(self) -> bool:
        """Whether the caller wants a chunk with the usage at the end of its stream."""
        return self.streams and _object(self.tree.get("stream_options")).get("include_usage") is True

    @override
    def asking_usage(self) -> list[Splice]:
        return [_asking_usage(self.tree)]

    @override
    def matcher(self) -> Matcher:
        return paths.request_matcher()

    @override
    def removals(self) -> Removals:
        return paths.request_removals()

    @override
    def added(self, edits: Sequence[AddText]) -> list[Splice]:
        return members.message_splices(self.tree["messages"], edits)

    @override
    def consequences(self, changes: Sequence[Change]) -> list[Splice]:
        return []

    @override
    def field_removal(self, field: str, places: list[Path]) -> list[Splice]:
        match field:
            case "request.metadata":
                names: Sequence[str | int] = ("metadata",)
            case "request.parameters":
                names = list(dict.fromkeys(at[0] for at in places))
            case "request.tools":
                names = _WITH_TOOLS
            case _:
                return self.removals().plan(self.tree, places)
        return [Drop((name,)) for name in names if name in self.tree]


class ChatResponse(ModelResponse):
    """A chat completion."""

    __slots__ = ()

    @property
    @override
    def surface(self) -> str:
        return CHAT

    def usage(self) -> Usage:
        """Tokens as the upstream counted them; what it did not say, or said wrongly, is 0."""
        return counted(_object(self.tree.get("usage")))

    @override
    def replaced(self, text: str) -> ChatResponse:
        """This answer's envelope, with `text` in every choice and nothing else of what the model said."""
        choices = self.tree.get("choices")
        count = len(choices) if type(choices) is list and choices else 1
        kept = {name: self.tree[name] for name in _KEPT if name in self.tree}
        return ChatResponse.of({**kept, "choices": _choices(text, count)})

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
        planned = self.removals().plan(self.tree, places)
        known = {splice.path for splice in planned}
        return planned + [splice for splice in repeats(self.tree, places) if splice.path not in known]


def answer(text: str, request: Content, request_id: str, created: int) -> ChatResponse:
    """A plugin's own answer in the upstream's place: as many equal choices as asked for, no tokens spent.

    `created`: seconds since the epoch.
    """
    if not isinstance(request, ChatRequest):
        raise TypeError("a chat completion answers a chat request")
    n = request.tree.get("n")
    count = min(n, _MAX_CHOICES) if type(n) is int and n > 0 else 1
    return ChatResponse.of(
        {
            "id": f"chatcmpl-{request_id}",
            "object": "chat.completion",
            "created": created,
            "model": request.model,
            "choices": _choices(text, count),
            "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        }
    )


def counted(usage: Mapping[str, Any]) -> Usage:
    """The `usage` of an answer or a chunk as tokens; what is not said, or said wrongly, is 0."""
    return Usage(
        input_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens")),
        cached=_count(_object(usage.get("prompt_tokens_details")).get("cached_tokens")),
        reasoning=_count(_object(usage.get("completion_tokens_details")).get("reasoning_tokens")),
    )


def _asking_usage(tree: Mapping[str, Any]) -> Splice:
    """What makes a request ask for the usage chunk, beside all other `stream_options`."""
    options = tree.get("stream_options")
    if type(options) is not dict:
        asking = {"include_usage": True}
        is_null = "stream_options" in tree
        return Put(("stream_options",), asking) if is_null else AddMember((), "stream_options", asking)
    if "include_usage" in options:
        return Put(("stream_options", "include_usage"), True)
    return AddMember(("stream_options",), "include_usage", True)


def _choices(text: str, count: int) -> list[dict[str, Any]]:
    message = {"role": "assistant", "content": text, "refusal": None}
    return [
        {"index": index, "message": message, "logprobs": None, "finish_reason": "stop"}
        for index in range(count)
    ]


def _object(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {}


def _count(value: Any) -> int:
    return value if type(value) is int and 0 <= value <= MAX_COUNT else 0
