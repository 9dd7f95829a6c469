"""A whole stream as the message that it would have been without `stream`, and a message as a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from penstock.dialects.anthropic.messages import MessagesResponse, response_of
from penstock.dialects.anthropic.stream_block import GrowingBlock, events_of
from penstock.dialects.anthropic.stream_event import as_object, kind_of, written
from penstock.errors import RequestError, UpstreamError

_OF_DELTA_EVENTS: Final = frozenset({"type", "delta", "usage"})
_SAID_LAST: Final = ("stop_reason", "stop_sequence", "stop_details")


class Assembler:
    """Adds events up. What an upstream says of its own failure is in no message: left out."""

    __slots__ = ("_blocks", "_growing", "_top", "_usage")

    def __init__(self) -> None:
        self._top: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._blocks: list[GrowingBlock | dict[str, Any]] = []
        self._growing: dict[Any, GrowingBlock] = {}

    def add(self, tree: Mapping[str, Any]) -> None:
        """`tree`: the JSON of an event. Raises UpstreamError when it is about a block that is not there."""
        match kind_of(tree):
            case "message_start":
                self._begin(as_object(tree.get("message")))
            case "content_block_start":
                self._begin_block(tree)
            case "content_block_delta":
                self._block(tree).add(tree)
            case "content_block_stop":
                self._block(tree)
                self._growing.pop(tree.get("index"))
            case "message_delta":
                self._end(tree)

    def response(self) -> MessagesResponse:
        """What the events so far add up to. Raises UpstreamError for a number out of range, or too deep."""
        blocks = [block.whole() if isinstance(block, GrowingBlock) else block for block in self._blocks]
        top = {**self._top, "content": blocks}
        return _checked(top | ({"usage": self._usage} if self._usage else {}))

    def _begin(self, message: dict[str, Any]) -> None:
        self._top |= message
        self._note_usage(message.get("usage"))
        begun = message.get("content")
        self._blocks += begun if type(begun) is list else ()

    def _begin_block(self, start: Mapping[str, Any]) -> None:
        block = self._growing[start.get("index")] = GrowingBlock(start)
        self._blocks.append(block)
        if model := as_object(as_object(start.get("content_block")).get("to")).get("model"):
            self._top["model"] = (
                model  # of a fallback: it serves the answer from here on, as a unary one says
            )

    def _block(self, tree: Mapping[str, Any]) -> GrowingBlock:
        block = self._growing.get(tree.get("index")) if type(tree.get("index")) is int else None
        if block is None:
            message = "The upstream's stream goes on with a block that has not begun, or has ended."
            raise UpstreamError(message, outcome="malformed")
        return block

    def _end(self, tree: Mapping[str, Any]) -> None:
        self._top |= as_object(tree.get("delta"))
        self._top |= {name: value for name, value in tree.items() if name not in _OF_DELTA_EVENTS and value}
        self._note_usage(tree.get("usage"))

    def _note_usage(self, usage: Any) -> None:
        self._usage |= {name: value for name, value in as_object(usage).items() if value is not None}


def held_content(block: GrowingBlock) -> MessagesResponse:
    """A block as an answer that says nothing else, whose strings are fields. Raises UpstreamError."""
    return _checked({"content": [block.whole()]})


def as_stream(response: MessagesResponse) -> list[bytes]:
    """`response` as the events of a stream: its start, each block, its end."""
    return [written(event) for event in _events(response.tree)]


def _events(tree: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    usage = as_object(tree.get("usage"))
    begun = {**tree, "content": [], "usage": {**usage, "output_tokens": 0}}
    begun |= {name: None for name in _SAID_LAST if name in tree}
    yield {"type": "message_start", "message": begun}
    blocks = tree.get("content")
    for index, block in enumerate(blocks if type(blocks) is list else ()):
        yield from events_of(as_object(block), index)
    delta = {name: tree[name] for name in _SAID_LAST if name in tree}
    counts = {name: value for name, value in usage.items() if type(value) is int}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 0, **counts}}
    yield {"type": "message_stop"}


def _checked(tree: Mapping[str, Any]) -> MessagesResponse:
    try:
        return response_of(tree)
    except (ValueError, RequestError):
        message = "The upstream's stream holds a number that is out of range, or input that nests too deep."
        raise UpstreamError(message, outcome="malformed") from None
