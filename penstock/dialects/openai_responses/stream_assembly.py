"""A whole stream as the answer that it would have been without `stream`, and an answer as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from penstock.denial import Denial
from penstock.dialects.openai import errors
from penstock.dialects.openai_responses.echo import Echo
from penstock.dialects.openai_responses.responses import ResponsesResponse, response_of
from penstock.dialects.openai_responses.stream_event import TERMINAL, as_list, index_of
from penstock.dialects.openai_responses.stream_items import GrowingItem, events_of
from penstock.dialects.stream_event import as_object, kind_of, written
from penstock.errors import PenstockError, RequestError, UpstreamError

# What an answer says of itself only when it is there.
_SAID_LAST: Final = ("usage", "completed_at", "incomplete_details", "error")
_ENDS: Final = {"incomplete": "response.incomplete", "failed": "response.failed"}


class Assembler:
    """Adds events up. What an upstream says of its own failure outside of an answer is in none: left out."""

    __slots__ = ("_is_whole", "_items", "_top")

    def __init__(self) -> None:
        self._top: dict[str, Any] = {}
        self._items: dict[int, GrowingItem] = {}
        self._is_whole = False

    def add(self, tree: Mapping[str, Any]) -> None:
        """`tree`: the JSON of an event. Raises UpstreamError when it is about an item that is not there."""
        kind = kind_of(tree)
        if type(tree.get("response")) is dict:
            self._top = as_object(tree["response"])
            self._is_whole = kind in TERMINAL and type(self._top.get("output")) is list
        elif kind == "response.output_item.added":
            self._items[index_of(tree)] = GrowingItem(tree.get("item"))
        elif "output_index" in tree:
            self._item(index_of(tree)).add(tree)

    def response(self, echo: Echo | None = None) -> ResponsesResponse:
        """What the events so far add up to. Raises UpstreamError for a number out of range, or too deep."""
        if self._is_whole:
            return checked(self._top, echo)
        items = [self._items[index].whole() for index in sorted(self._items)]
        return checked({**self._top, "output": items or as_list(self._top.get("output"))}, echo)

    def _item(self, index: int) -> GrowingItem:
        if index not in self._items:
            raise UpstreamError(
                "The upstream's stream goes on with an item that has not begun.", outcome="malformed"
            )
        return self._items[index]


def checked(tree: Mapping[str, Any], echo: Echo | None = None) -> ResponsesResponse:
    """`tree`, which came from an upstream, as an answer. Raises UpstreamError."""
    try:
        return response_of(tree).answering(echo)
    except (ValueError, RequestError):
        message = "The upstream's stream holds a number that is out of range, or JSON that nests too deep."
        raise UpstreamError(message, outcome="malformed") from None


def as_stream(response: ResponsesResponse) -> list[bytes]:
    """`response` as the events of a stream: its start, each item, its end."""
    numbered = (
        {"type": event["type"], "sequence_number": number, **event}
        for number, event in enumerate(_events(response.tree))
    )
    return [written(event) for event in numbered]


def error_event(refusal: Denial | PenstockError, request_id: str, sequence_number: int) -> bytes:
    """The event that ends a stream which failed or was stopped.

    The API says no more than `code` and `message`; clients raise for `error`, as in chat completions.
    """
    error = json.loads(errors.render(refusal, request_id).body)["error"]
    said = {name: error[name] for name in ("code", "message", "param")}
    return written({"type": "error", "sequence_number": sequence_number, **said, "error": error})


def _events(tree: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    begun = {**tree, "status": "in_progress", "output": []}
    begun |= {name: None for name in _SAID_LAST if name in tree}
    begun.pop("output_text", None)
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(as_list(tree.get("output"))):
        yield from events_of(as_object(item), index)
    yield {"type": _ENDS.get(str(tree.get("status")), "response.completed"), "response": tree}
