"""Tool calls put together from their fragments: held whole, since half of a call's JSON has no fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.dialects import rawjson
from penstock.dialects.openai.chat import ChatResponse
from penstock.dialects.openai.stream_chunk import CallPart
from penstock.dialects.openai.stream_joining import Joining
from penstock.dialects.stream_event import as_object
from penstock.errors import UpstreamError

_TOKENS = ("id", "type")


class Calls:
    """The calls of every choice, as far as their fragments have come."""

    __slots__ = ("_legacy", "_numbered")

    def __init__(self) -> None:
        self._numbered: dict[int, dict[int, Joining]] = {}
        self._legacy: dict[int, Joining] = {}

    def __bool__(self) -> bool:
        return bool(self._numbered or self._legacy)

    @property
    def has_lost(self) -> bool:
        """Whether anything that a fragment said is in no call (`stream_losses`)."""
        calls = (call for numbered in self._numbered.values() for call in numbered.values())
        return any(call.has_lost for call in (*calls, *self._legacy.values()))

    def add(self, part: CallPart) -> None:
        if part.is_legacy:
            self._legacy.setdefault(part.choice, Joining()).add(part.fragment)
            return
        calls = self._numbered.setdefault(part.choice, {})
        index = _next(calls, part.fragment) if part.index is None else part.index
        calls.setdefault(index, Joining(_TOKENS)).add(part.fragment)

    def of(self, choice: int) -> dict[str, Any]:
        """`tool_calls` and `function_call`, as a message has them; empty when the choice makes no call."""
        members: dict[str, Any] = {}
        if numbered := self._numbered.get(choice):
            members["tool_calls"] = [_unnumbered(numbered[index].whole()) for index in sorted(numbered)]
        if legacy := self._legacy.get(choice):
            members["function_call"] = legacy.whole()
        return members

    def take(self, choice: int) -> ChatResponse | None:
        """The choice's calls as a response whose strings are fields, and forget them; None without any."""
        members = self.of(choice)
        self._numbered.pop(choice, None)
        self._legacy.pop(choice, None)
        if not members:
            return None
        message = {"role": "assistant", "content": None, **members}
        return response_of({"choices": [{"index": choice, "message": message}]})


def response_of(tree: Mapping[str, Any]) -> ChatResponse:
    """`tree` as a response. Raises UpstreamError as `dumped`."""
    text = dumped(tree)
    return ChatResponse(text, rawjson.parse(text))


def dumped(tree: Mapping[str, Any]) -> str:
    """`tree` as JSON. Raises UpstreamError for a number that only Python's JSON can say (1e999)."""
    try:
        return rawjson.dumps(tree)
    except ValueError:
        message = "The upstream's stream holds a number that is out of range."
        raise UpstreamError(message, outcome="malformed") from None


def _next(calls: Mapping[int, Joining], fragment: Mapping[str, Any]) -> int:
    """The number of a call whose upstream gives it none (Gemini): a name or another id begins a new one."""
    last = max(calls, default=-1)
    if not calls or as_object(fragment.get("function")).get("name"):
        return last + 1
    identity = fragment.get("id")
    return last + 1 if identity and identity != calls[last].whole().get("id") else last


def _unnumbered(call: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in call.items() if name != "index"}


def deltas(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The calls of a message as deltas, a whole call in each."""
    calls = message.get("tool_calls")
    whole: list[dict[str, Any]] = [
        {"tool_calls": [{"index": index, **_unnumbered(call)}]}
        for index, call in enumerate(calls if type(calls) is list else ())
        if type(call) is dict
    ]
    legacy = message.get("function_call")
    return [*whole, {"function_call": legacy}] if type(legacy) is dict else whole
