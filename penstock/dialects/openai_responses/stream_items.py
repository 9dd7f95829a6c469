"""One item of a streamed answer, put together from its events, and back again.

message      parts: content_part.*, output_text.*, refusal.*, annotation.added
reasoning    parts: reasoning_summary_part.*, reasoning_summary_text.*, content_part.*, reasoning_text.*
calls        function_call_arguments.*, mcp_call_arguments.*, custom_tool_call_input.*,
             code_interpreter_call_code.*
all else     whole in output_item.added and .done; what comes between says nothing of it that is kept
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from penstock.dialects.openai_responses.stream_event import as_list, index_of
from penstock.dialects.stream_event import as_object, kind_of
from penstock.errors import UpstreamError


class Text(NamedTuple):
    """A text that grows: where it is in its item, and in which event its end is said."""

    parts: str
    """The list of parts that it is in, or empty: a member of the item."""
    number: str
    """What an event calls its place in that list."""
    name: str
    kind: str
    """The type of its part."""


_SUMMARY: Final = "summary_index"
_CONTENT: Final = "content_index"
TEXTS: Final[Mapping[str, Text]] = {
    "response.output_text": Text("content", _CONTENT, "text", "output_text"),
    "response.refusal": Text("content", _CONTENT, "refusal", "refusal"),
    "response.reasoning_text": Text("content", _CONTENT, "text", "reasoning_text"),
    "response.reasoning_summary_text": Text("summary", _SUMMARY, "text", "summary_text"),
    "response.function_call_arguments": Text("", "", "arguments", ""),
    "response.mcp_call_arguments": Text("", "", "arguments", ""),
    "response.custom_tool_call_input": Text("", "", "input", ""),
    "response.code_interpreter_call_code": Text("", "", "code", ""),
}
PARTS: Final[Mapping[str, str]] = {
    "response.content_part": "content",
    "response.reasoning_summary_part": "summary",
}
_INDEX: Final[Mapping[str, str]] = {"content": _CONTENT, "summary": _SUMMARY}
_OF_CALL: Final[Mapping[str, str]] = {
    "function_call": "response.function_call_arguments",
    "mcp_call": "response.mcp_call_arguments",
    "custom_tool_call": "response.custom_tool_call_input",
    "code_interpreter_call": "response.code_interpreter_call_code",
}
_OF_PART: Final[Mapping[str, str]] = {text.kind: stem for stem, text in TEXTS.items() if text.kind}
# What an item says of itself while it grows.
_GROWN_LATER: Final = ("content", "summary")
_MAX_PARTS: Final = 1024  # more than any model says: a number that is too large makes no list of its size


class GrowingItem:
    """An item, as far as its events have come."""

    __slots__ = ("_item", "_texts")

    def __init__(self, begun: Any) -> None:
        """`begun`: the item as the event says it that begins it."""
        self._item: dict[str, Any] = copy.deepcopy(as_object(begun))
        self._texts: dict[tuple[Text, int], list[str]] = {}

    def add(self, tree: Mapping[str, Any]) -> None:
        """`tree`: the JSON of an event about it. Raises UpstreamError when it does not say of which part."""
        stem, _, what = kind_of(tree).rpartition(".")
        if stem == "response.output_item" and what == "done":
            self._item, self._texts = copy.deepcopy(as_object(tree.get("item"))), {}
        elif stem in PARTS:
            self._put_part(PARTS[stem], tree)
        elif stem in TEXTS:
            self._grow(TEXTS[stem], tree, what)
        elif stem == "response.output_text.annotation":
            part = self._part("content", _part_index(tree, _CONTENT), "output_text")
            part["annotations"] = [*as_list(part.get("annotations")), tree.get("annotation")]

    def whole(self) -> dict[str, Any]:
        """The item so far."""
        item = copy.deepcopy(self._item)
        for (text, index), pieces in self._texts.items():
            owner = item if not text.parts else item[text.parts][index]
            begun = owner.get(text.name)
            owner[text.name] = (begun if type(begun) is str else "") + "".join(pieces)
        return item

    def _grow(self, text: Text, tree: Mapping[str, Any], what: str) -> None:
        index = _part_index(tree, text.number) if text.parts else 0
        owner = self._part(text.parts, index, text.kind) if text.parts else self._item
        said = tree.get("delta" if what == "delta" else text.name)
        if type(said) is not str:
            return
        if what == "delta":
            self._texts.setdefault((text, index), []).append(said)
        else:
            self._texts.pop((text, index), None)
            owner[text.name] = said

    def _put_part(self, parts: str, tree: Mapping[str, Any]) -> None:
        index = _part_index(tree, _INDEX[parts])
        part = copy.deepcopy(as_object(tree.get("part")))
        self._part(parts, index, str(part.get("type")))
        for key in [key for key in self._texts if key[0].parts == parts and key[1] == index]:
            del self._texts[key]
        self._item[parts][index] = part

    def _part(self, parts: str, index: int, kind: str) -> dict[str, Any]:
        """The part at `index`, begun now when it has not; parts that nobody began before it are empty."""
        if type(self._item.get(parts)) is not list:
            self._item[parts] = []
        listed: list[Any] = self._item[parts]
        listed += [{"type": kind} for _ in range(index + 1 - len(listed))]
        part = listed[index]
        return part if type(part) is dict else {}


def _part_index(tree: Mapping[str, Any], name: str) -> int:
    index = index_of(tree, name)
    if index > _MAX_PARTS:
        raise UpstreamError(
            f"The upstream's stream has an item of over {_MAX_PARTS} parts.", outcome="malformed"
        )
    return index


def begun(item: Mapping[str, Any]) -> dict[str, Any]:
    """`item` as the event says it that begins it: without what its further events say."""
    kind = str(item.get("type"))
    made = {**item, **{name: [] for name in _GROWN_LATER if type(item.get(name)) is list}}
    if kind in _OF_CALL and type(item.get(name := TEXTS[_OF_CALL[kind]].name)) is str:
        made[name] = ""
    return made | ({"status": "in_progress"} if "status" in item else {})


def events_of(item: Mapping[str, Any], index: int) -> Iterator[dict[str, Any]]:
    """The JSON of the events that say `item`, not numbered."""
    about = {"output_index": index}
    yield {"type": "response.output_item.added", **about, "item": begun(item)}
    whose = {"item_id": item.get("id"), **about} if item.get("id") is not None else about
    for parts in _GROWN_LATER:
        for number, part in enumerate(as_list(item.get(parts))):
            yield from _of_part(parts, as_object(part), whose | {_INDEX[parts]: number})
    if stem := _OF_CALL.get(str(item.get("type"))):
        yield from _of_text(stem, item.get(TEXTS[stem].name), whose)
    yield {"type": "response.output_item.done", **about, "item": item}


def _of_part(parts: str, part: Mapping[str, Any], where: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    stem = next(stem for stem, listed in PARTS.items() if listed == parts)
    text = _OF_PART.get(str(part.get("type")))
    empty: dict[str, Any] = {TEXTS[text].name: ""} if text else {}
    empty |= {name: [] for name in ("annotations", "logprobs") if type(part.get(name)) is list}
    yield {"type": f"{stem}.added", **where, "part": {**part, **empty}}
    if text:
        yield from _of_text(text, part.get(TEXTS[text].name), where, part)
    yield {"type": f"{stem}.done", **where, "part": part}


def _of_text(
    stem: str, said: Any, where: Mapping[str, Any], part: Mapping[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """A text in one delta; what it cites; its end."""
    more = {"logprobs": as_list((part or {}).get("logprobs"))} if stem == "response.output_text" else {}
    if said:
        yield {"type": f"{stem}.delta", **where, "delta": said, **more}
    for number, cited in enumerate(as_list((part or {}).get("annotations"))):
        about = {**where, "annotation_index": number, "annotation": cited}
        yield {"type": "response.output_text.annotation.added", **about}
    if said is not None:
        yield {"type": f"{stem}.done", **where, TEXTS[stem].name: said, **more}
