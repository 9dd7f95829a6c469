"""A whole stream as the response that it would have been without `stream`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from penstock.dialects.openai.chat import ChatResponse
from penstock.dialects.openai.stream_calls import Calls, response_of
from penstock.dialects.openai.stream_chunk import Chunk, call_parts, detail_number, is_error
from penstock.dialects.openai.stream_joining import Joining
from penstock.dialects.openai.stream_losses import is_off, is_said
from penstock.dialects.stream_event import as_object

# What every chunk of a stream says of the whole (API reference, the chat completion chunk object).
ENVELOPE: Final[tuple[str, ...]] = ("id", "object", "created", "model", "service_tier", "system_fingerprint")
_OF_CHUNKS: Final = frozenset({"choices", "object", "obfuscation", "error"})
_OWN_WAY: Final = frozenset({"content", "tool_calls", "function_call", "reasoning_details"})
_GROWING: Final = frozenset({"logprobs", "text"})
# `message`: some upstreams say a whole choice once more at its end, where a response says it.
_OWN_PLACE: Final = frozenset({"delta", "index", "message"})

UsagePlace = Literal["apart", "last", "none"]


@dataclass(frozen=True, slots=True)
class Template:
    """The shape of a stream: names and facts, nothing that anybody said.

    `usage`: in a chunk of its own, with the last end, or nowhere. `is_done`: whether `[DONE]` ends it.
    `lead`: top-level members that came in chunks of their own before any choice (Azure's
    `prompt_filter_results`); `is_lead_blank`: those chunks had no id, model and so on.
    """

    usage: UsagePlace = "none"
    is_done: bool = True
    lead: tuple[str, ...] = ()
    is_lead_blank: bool = False


class Assembler:
    """Adds chunks up. What an upstream says of its own failure (`error`) is in no response: left out."""

    __slots__ = ("_calls", "_choices", "_has_lost", "_is_lead_blank", "_lead", "_top", "_usage", "is_done")

    def __init__(self) -> None:
        self._top: dict[str, Any] = {}
        self._choices: dict[int, _Choice] = {}
        self._calls = Calls()
        self._lead: dict[str, None] = {}
        self._is_lead_blank = False
        self._has_lost = False
        self._usage: UsagePlace = "none"
        self.is_done = False
        """For the reader of the stream to set, when `[DONE]` has come."""

    def add(self, chunk: Chunk) -> None:
        tree, listed = chunk.tree, [choice for _position, choice in chunk.choices]
        self._has_lost = self._has_lost or is_error(tree) or is_off(tree)
        if is_error(tree) and not listed:
            return
        if not listed and not self._choices:
            self._note_lead(tree)
        if tree.get("usage"):
            self._usage = "last" if listed else "apart"
        for name, value in tree.items():
            if name not in _OF_CHUNKS and (value or name not in self._top):
                self._has_lost = self._has_lost or _is_lost(self._top, name, value, of_choice=False)
                self._top[name] = value
        for choice in listed:
            self._choices.setdefault(choice["index"], _Choice()).add(choice)
            for part in call_parts(choice):
                self._calls.add(part)

    @property
    def has_lost(self) -> bool:
        """Whether anything that the chunks said is not in the response, which is then not what came."""
        choices = self._choices.values()
        return self._has_lost or self._calls.has_lost or any(choice.has_lost for choice in choices)

    def response(self) -> ChatResponse:
        """What the chunks so far add up to. Raises UpstreamError for a number out of range."""
        top = dict(self._top)
        head = {name: top.pop(name) for name in ("id",) if name in top}
        usage = {name: top.pop(name) for name in ("usage",) if name in top}
        listed = [self._choices[index].whole(index, self._calls.of(index)) for index in sorted(self._choices)]
        return response_of({**head, "object": "chat.completion", **top, "choices": listed, **usage})

    def template(self) -> Template:
        return Template(self._usage, self.is_done, tuple(self._lead), self._is_lead_blank)

    def _note_lead(self, tree: Mapping[str, Any]) -> None:
        own = [name for name in tree if name not in {*ENVELOPE, *_OF_CHUNKS, "usage"}]
        self._lead |= dict.fromkeys(own)
        self._is_lead_blank = not any(tree.get(name) for name in ENVELOPE)


class _Choice:
    """One choice without its calls, as far as its chunks have come."""

    __slots__ = ("_content", "_details", "_growing", "_has_lost", "_members", "_message")

    def __init__(self) -> None:
        self._message = Joining(("id", "role"))
        self._content = _Content()
        self._details: dict[tuple[int, str], Joining] = {}
        self._growing = Joining()
        self._has_lost = False
        self._members: dict[str, Any] = {}

    @property
    def has_lost(self) -> bool:
        joined = (self._message, self._growing, *self._details.values())
        return self._has_lost or any(each.has_lost for each in joined)

    def add(self, choice: Mapping[str, Any]) -> None:
        delta = as_object(choice.get("delta"))
        self._message.add({name: value for name, value in delta.items() if name not in _OWN_WAY})
        self._content.add(delta.get("content"))
        self._add_details(delta.get("reasoning_details"))
        self._growing.add({name: choice[name] for name in _GROWING & choice.keys()})
        for name, value in choice.items():
            is_own = name in _OWN_PLACE or name in _GROWING
            if not is_own and (value or name not in self._members):
                self._has_lost = self._has_lost or _is_lost(self._members, name, value, of_choice=True)
                self._members[name] = value

    def whole(self, index: int, calls: Mapping[str, Any]) -> dict[str, Any]:
        rest = self._message.whole()
        message = {"role": rest.pop("role", None) or "assistant", "content": self._content.whole(), **rest}
        if self._details:
            message["reasoning_details"] = [detail.whole() for detail in self._details.values()]
        growing = dict(sorted(self._growing.whole().items()))
        return {"index": index, "message": {**message, **calls}, **growing, **self._members}

    def _add_details(self, details: Any) -> None:
        for position, detail in enumerate(details if type(details) is list else ()):
            if type(detail) is dict:
                key = (detail_number(detail, position), str(detail.get("type")))
                self._details.setdefault(key, Joining(("id", "type", "format"))).add(detail)


class _Content:
    """A message's content: text, or parts (Mistral) once an upstream has sent some."""

    __slots__ = ("_has_parts", "_runs")

    def __init__(self) -> None:
        self._runs: list[tuple[str, list[str] | dict[str, Any]]] = []
        self._has_parts = False

    def add(self, content: Any) -> None:
        if type(content) is list:
            self._has_parts = True
            for part in content:
                self._add_part(as_object(part))
        elif content is not None:
            self._add_text("text", str(content))

    def whole(self) -> str | list[dict[str, Any]] | None:
        if self._has_parts:
            return [_part(kind, run) for kind, run in self._runs if any(run)]
        return "".join(piece for _kind, run in self._runs for piece in run) if self._runs else None

    def _add_part(self, part: dict[str, Any]) -> None:
        kind = part.get("type")
        if kind == "text" and type(part.get("text")) is str and len(part) == 2:
            self._add_text("text", part["text"])
        elif kind == "thinking" and (texts := _thinking(part)) is not None:
            self._add_text("thinking", "".join(texts))
        else:
            self._runs.append(("other", part))

    def _add_text(self, kind: str, text: str) -> None:
        if not text and self._runs:  # parts nothing that stands before it from what comes after it
            return
        if self._runs and self._runs[-1][0] == kind and isinstance(self._runs[-1][1], list):
            self._runs[-1][1].append(text)
        else:
            self._runs.append((kind, [text]))


def _is_lost(members: Mapping[str, Any], name: str, value: Any, *, of_choice: bool) -> bool:
    """Whether what a member said is lost when `value` takes its place."""
    old = members.get(name)
    return old is not None and old != value and is_said(name, old, of_choice=of_choice)


def _thinking(part: Mapping[str, Any]) -> list[str] | None:
    """The texts of a part that thinks; None when it holds anything else."""
    steps = part.get("thinking")
    if type(steps) is not list or len(part) > 2:
        return None
    texts = [step["text"] for step in steps if _is_text(step)]
    return texts if len(texts) == len(steps) else None


def _is_text(step: Any) -> bool:
    return (
        type(step) is dict
        and step.keys() == {"type", "text"}
        and step["type"] == "text"
        and type(step["text"]) is str
    )


def _part(kind: str, run: list[str] | dict[str, Any]) -> dict[str, Any]:
    if isinstance(run, dict):
        return run
    text = {"type": "text", "text": "".join(run)}
    return text if kind == "text" else {"type": "thinking", "thinking": [text]}
