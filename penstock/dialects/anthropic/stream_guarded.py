"""A stream under a guard: every text goes by it, and leaves as it gives it.

    text blocks        piece by piece; what the guard lets go later leaves in an event of the gateway's own
    citations          whole, each in its event
    all other blocks   held until they are whole: thinking, which goes with its seal when it is edited; uses
                       of tools, whose input is JSON only then; results
    other events       whole; those of the end wait for the ending; comments and ids do not leave

Blocks come one after the other. One that leaves not at all moves up those that follow it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from typing_extensions import override

from penstock.denial import Denial
from penstock.dialects.anthropic.errors import error_event
from penstock.dialects.anthropic.stream_assembly import held_content
from penstock.dialects.anthropic.stream_block import KNOWN_DELTAS, OF_TEXT, GrowingBlock, events_of
from penstock.dialects.anthropic.stream_event import EventReader, StreamEvent, as_index, is_error
from penstock.dialects.anthropic.stream_losses import is_number_for_text
from penstock.dialects.anthropic.stream_progress import Progress
from penstock.dialects.sse import MAX_EVENT_BYTES, Event, Parser
from penstock.dialects.stream_event import as_object, kind_of, written
from penstock.dialects.stream_guarded import Guarded
from penstock.dialects.stream_shapes import Said, Shape, Shapes
from penstock.errors import PenstockError, UpstreamError
from penstock.streams import Channel, Guard

_TEXT: Final = "response.text"
_OF_PART: Final = frozenset({"type", "index", "delta"})
_OF_TEXT_DELTA: Final = frozenset({"type", "text"})


@dataclass(slots=True)
class _Open:
    """The block that has begun and not ended."""

    index: int
    channel: Channel
    block: GrowingBlock
    is_text: bool
    """Whether it leaves as it comes; any other is held until it is whole."""
    came: list[StreamEvent] = field(default_factory=list)
    """What is held of it."""
    held_bytes: int = 0


class GuardedStream(Guarded[Progress]):
    """Holds one block, and the ending, up to `max_held_bytes` each."""

    def __init__(self, guard: Guard, *, max_held_bytes: int = MAX_EVENT_BYTES) -> None:
        super().__init__(guard, Progress(), max_held_bytes, max_held_bytes)
        self._reader = EventReader()
        self._shapes: Shapes[StreamEvent] = Shapes()
        self._open: _Open | None = None
        self._sent_blocks = 0
        self._has_begun = False

    @override
    def error(self, refusal: Denial | PenstockError, request_id: str) -> bytes:
        return error_event(refusal, request_id)

    @override
    def _say_due(self) -> None:
        for channel, text in self._guard.due():
            self._say(channel, text)

    @override
    def _settle_all(self) -> None:
        """Nothing: every block has ended, or was cut."""

    @override
    def _take(self, event: Event) -> None:
        if self._took_known(event) or (came := self._reader.read(event)) is None:
            return
        came = came.framed_plainly()
        if self._progress.read(came.tree) or is_error(came.tree):
            self._send_kept()
        match came.kind:
            case "content_block_start":
                self._begin(came)
            case "content_block_delta":
                self._go_on(came)
            case "content_block_stop":
                self._end(self._opened(came), came)
            case _:
                self._take_whole(came)

    def _took_known(self, event: Event) -> bool:
        """Take a delta that differs from an earlier one in its text alone; False: it is to be looked at."""
        for shape in self._shapes:
            said = shape.said(event)
            if said is not None:
                return self._goes_on_with(shape) and self._took(shape, event, said)
        return False

    def _goes_on_with(self, shape: Shape[StreamEvent]) -> bool:
        is_plain = not (self._kept or self._progress.has_ended or self._reader.waits)
        return is_plain and self._open is not None and self._open.channel == shape.channel

    def _took(self, shape: Shape[StreamEvent], event: Event, said: Said) -> bool:
        if self._guard.admit(shape.content) is not shape.content:
            return self._guard.denial is not None
        if left := self._guard.text(shape.channel, _TEXT, said.text):
            self._leave(event.raw if left == said.text else shape.framed(left, said.after))
        return True

    def _begin(self, came: StreamEvent) -> None:
        """A block begins; what a block of text says at once is said in deltas of its own."""
        if self._open is not None:
            raise _malformed("begins a block inside of another")
        self._has_begun = True
        index, begun = as_index(came.tree), as_object(came.tree.get("content_block"))
        channel = Channel(self._sent_blocks, "text")
        is_text = begun.get("type") == "text"
        self._open = _Open(index, channel, GrowingBlock(came.tree), is_text)
        _require_clear(self._open.block)
        if not is_text:
            self._hold(self._open, came)
            return
        start, *said, _stop = events_of(begun, index)
        self._sent_blocks += 1
        self._pass(came if not said else _made({**came.tree, **start}), channel)
        for delta in said:
            self._go_on(_made(delta))

    def _go_on(self, came: StreamEvent) -> None:
        opened = self._opened(came)
        kind = kind_of(came.delta)
        if not opened.is_text:
            opened.block.add(came.tree)
            _require_clear(opened.block)
            self._hold(opened, came)
        elif kind in KNOWN_DELTAS - OF_TEXT:
            raise _malformed("adds to a text what is no text")
        elif kind == "text_delta":
            self._say_part(opened.channel, came)
        else:
            self._pass(came, opened.channel)

    def _say_part(self, channel: Channel, came: StreamEvent) -> None:
        _require_one_text(came)
        event = self._guard.admit(came)
        text = event.delta.get("text")
        if self._guard.denial is not None:
            return
        if type(text) is str and text:
            left = self._guard.text(channel, _TEXT, text)
            if event is came and came.tree["index"] == channel.choice:
                self._learn(came, channel)
            event = event if left == text else event.with_text(("delta", "text"), left)
        self._send(event, channel)

    def _learn(self, came: StreamEvent, channel: Channel) -> None:
        """Remember the shape of a delta that has a text, and nothing else."""
        if came.tree.keys() == _OF_PART and came.delta.keys() == _OF_TEXT_DELTA:
            self._shapes.learn(came, ("delta", "text"), channel, _TEXT)

    def _end(self, opened: _Open, stop: StreamEvent | None) -> None:
        """The block has ended; `stop` is None when nobody said so."""
        self._open = None
        if opened.is_text:
            self._say(opened.channel, self._guard.end(opened.channel))
            self._send_stop(opened.channel, stop)
            return
        content = held_content(opened.block)
        left = self._guard.admit(content)
        left = left if self._guard.denial else self._guard.whole(left)
        if self._guard.denial is not None:
            return
        if left is not content:
            self._send_made(left.tree["content"])
            return
        self._sent_blocks += 1
        for event in opened.came:
            self._send(event, opened.channel)
        self._send_stop(opened.channel, stop)

    def _send_stop(self, channel: Channel, stop: StreamEvent | None) -> None:
        stop = stop or _made({"type": "content_block_stop", "index": channel.choice})
        self._pass(stop, channel)

    def _send_made(self, blocks: list[dict[str, Any]]) -> None:
        """A block that is not what came any more; none, when it was dropped."""
        for block in blocks:
            for event in events_of(block, self._sent_blocks):
                self._leave(written(event))
            self._sent_blocks += 1

    def _take_whole(self, came: StreamEvent) -> None:
        if self._open is not None and is_error(came.tree):
            self._fail(self._open)
        elif self._open is not None and self._progress.has_ended:
            self._end(self._open, None)
        if came.kind == "message_start":
            if self._has_begun:
                raise _malformed("begins a second time")  # clients take the first, or the last, or fail
            self._has_begun = True
            begun = as_object(came.tree.get("message")).get("content")
            self._sent_blocks = len(begun) if type(begun) is list else 0
        event = self._seen(came)
        if event is None:
            return
        if self._progress.has_ended and not is_error(came.tree):
            self._keep(event.framed())
        else:
            self._leave(event.framed(), is_silent=came.kind in {"message_start", "ping"})

    def _fail(self, opened: _Open) -> None:
        """The upstream failed inside of a block: what it said leaves, half a use or thought does not."""
        self._open = None
        if opened.is_text:
            self._say(opened.channel, self._guard.end(opened.channel))

    def _seen(self, came: StreamEvent) -> StreamEvent | None:
        """An event as it leaves, seen as a whole; None after a denial."""
        event = self._guard.admit(came)
        event = event if self._guard.denial else self._guard.whole(event)
        return None if self._guard.denial else event

    def _pass(self, came: StreamEvent, channel: Channel) -> None:
        """An event of a block that is looked at as a whole."""
        event = self._seen(came)
        if event is not None:
            self._send(event, channel)

    def _send(self, event: StreamEvent, channel: Channel) -> None:
        if not event.is_left_without_words:
            is_silent = event.kind == "content_block_start" or event.is_without_words
            self._leave(event.with_index(channel.choice or 0).framed(), is_silent=is_silent)

    def _say(self, channel: Channel, text: str) -> None:
        if text:
            delta = {"type": "text_delta", "text": text}
            event = {"type": "content_block_delta", "index": channel.choice, "delta": delta}
            self._leave(written(event))

    def _opened(self, came: StreamEvent) -> _Open:
        if self._open is None or self._open.index != as_index(came.tree):
            raise _malformed("goes on with a block that has not begun, or has ended")
        return self._open

    def _hold(self, opened: _Open, came: StreamEvent) -> None:
        opened.came.append(came)
        opened.held_bytes += len(came.event.raw)
        if opened.held_bytes > self._max_held_bytes:
            raise self._too_large("one block")


def _made(tree: dict[str, Any]) -> StreamEvent:
    """An event of the gateway's own, as if it had come."""
    [event] = Parser().feed(written(tree))
    return StreamEvent.decode(event)


def _require_clear(block: GrowingBlock) -> None:
    if block.is_ambiguous:
        raise _malformed("has a number for a text")


def _require_one_text(came: StreamEvent) -> None:
    """Raises UpstreamError when a delta says more than the one text that the guard is about to see."""
    text = came.delta.get("text")
    if is_number_for_text(text):
        raise _malformed("has a number for a text")
    if came.tree.keys() == _OF_PART and came.delta.keys() == _OF_TEXT_DELTA:
        return
    said = [each for found in came.classified.fields.values() for each in found.values if each]
    if said and said != [text]:
        raise _malformed("has a text beside the text of a delta")


def _malformed(what: str) -> UpstreamError:
    return UpstreamError(f"The upstream's stream {what}.", outcome="malformed")
