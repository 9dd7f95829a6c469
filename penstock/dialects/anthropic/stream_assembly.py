"""A whole stream as the message that it would have been without `stream`, and a message as a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from penstock.dialects.anthropic.messages import MessagesResponse, response_of
from penstock.dialects.anthropic.stream_block import GrowingBlock, events_of
from penstock.dialects.anthropic.stream_event import as_index
from penstock.dialects.anthropic.stream_losses import is_lost, is_off, says
from penstock.dialects.stream_event import as_object, kind_of, written
from penstock.errors import RequestError, UpstreamError

_OF_DELTA_EVENTS: Final = frozenset({"type", "delta", "usage"})
# A message's own members that events say in a way of their own.
_OWN_WAY: Final = frozenset({"content", "usage"})
_SAID_LAST: Final = ("stop_reason", "stop_sequence", "stop_details")


class Assembler:
    """Adds events up. What an upstream says of its own failure is in no message: left out."""

    __slots__ = ("_blocks", "_growing", "_has_begun", "_has_lost", "_top", "_usage")

    def __init__(self) -> None:
        self._top: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._blocks: list[GrowingBlock | dict[str, Any]] = []
        self._growing: dict[Any, GrowingBlock] = {}
        self._has_begun = self._has_lost = False

    def add(self, tree: Mapping[str, Any]) -> None:
        """`tree`: the JSON of an event. Raises UpstreamError when it is about a block that is not there."""
        self._note_loss(is_off(tree))
        match kind_of(tree):
            case "message_start":
                self._begin(tree.get("message"))
            case "content_block_start":
                self._begin_block(tree)
            case "content_block_delta":
                self._block(tree).add(tree)
            case "content_block_stop":
                self._block(tree)
                self._growing.pop(tree.get("index"))
            case "message_delta":
                self._end(tree)

    @property
    def has_lost(self) -> bool:
        """Whether anything that the events said is not in the message, or not as every client reads it."""
        return self._has_lost or any(
            block.is_ambiguous for block in self._blocks if isinstance(block, GrowingBlock)
        )

    def response(self) -> MessagesResponse:
        """What the events so far add up to. Raises UpstreamError for a number out of range, or too deep."""
        blocks = [block.whole() if isinstance(block, GrowingBlock) else block for block in self._blocks]
        top = {**self._top, "content": blocks}
        return _checked(top | ({"usage": self._usage} if self._usage else {}))

    def _begin(self, given: Any) -> None:
        message = as_object(given)
        self._note_loss(self._has_begun or bool(self._blocks) or (given is not message and says(given)))
        self._has_begun = True
        begun = message.get("content")
        self._note_loss(type(begun) is not list and says(begun))
        self._put({name: value for name, value in message.items() if name not in _OWN_WAY})
        self._top |= {name: message[name] for name in message if name in _OWN_WAY}
        self._note_usage(message.get("usage"))
        self._blocks += begun if type(begun) is list else ()

    def _begin_block(self, start: Mapping[str, Any]) -> None:
        index = as_index(start)
        self._note_loss(index != len(self._blocks))  # clients that go by places read another message
        block = self._growing[index] = GrowingBlock(start)
        self._blocks.append(block)
        begun = as_object(start.get("content_block"))
        if model := as_object(begun.get("to")).get("model"):
            # Of a fallback: it serves the answer from here on, as a unary one says.
            before = self._top.get("model")
            self._note_loss(is_lost(before, model) and before != as_object(begun.get("from")).get("model"))
            self._top["model"] = model

    def _block(self, tree: Mapping[str, Any]) -> GrowingBlock:
        block = self._growing.get(tree.get("index")) if type(tree.get("index")) is int else None
        if block is None:
            message = "The upstream's stream goes on with a block that has not begun, or has ended."
            raise UpstreamError(message, outcome="malformed")
        return block

    def _end(self, tree: Mapping[str, Any]) -> None:
        given = tree.get("delta")
        delta = as_object(given)
        self._note_loss(given is not delta and says(given))
        for said in (delta, {name: value for name, value in tree.items() if name not in _OF_DELTA_EVENTS}):
            self._note_loss(any(says(said.get(name)) for name in _OWN_WAY))
            self._put({name: value for name, value in said.items() if name not in _OWN_WAY})
        self._note_usage(tree.get("usage"))

    def _put(self, members: Mapping[str, Any]) -> None:
        for name, value in members.items():
            self._note_loss(is_lost(self._top.get(name), value))
            self._top[name] = value

    def _note_usage(self, given: Any) -> None:
        usage = as_object(given)
        self._note_loss(given is not usage and says(given))
        for name, value in usage.items():
            if value is not None:  # who says it no more has said it before
                self._note_loss(is_lost(self._usage.get(name), value))
                self._usage[name] = value
            else:
                self._usage.setdefault(name, None)

    def _note_loss(self, is_loss: bool) -> None:
        self._has_lost = self._has_lost or is_loss


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
