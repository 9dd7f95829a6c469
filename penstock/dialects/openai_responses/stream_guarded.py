"""A stream under a guard: every text goes by it, and leaves as it gives it.

    messages           piece by piece (`stream_message`)
    all other items    held until they are whole: calls, whose arguments are JSON only then; thoughts; results
    other events       whole; the one that holds the whole answer says what has left, and waits for the
                       ending; comments and ids do not leave

Items leave one after the other, in the order in which they began: one that begins inside of another waits for
its end. One that leaves not at all moves up those that follow it; events are numbered as they leave.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from typing_extensions import override

from penstock.denial import Denial
from penstock.dialects.openai_responses.echo import Echo
from penstock.dialects.openai_responses.stream_assembly import checked, error_event
from penstock.dialects.openai_responses.stream_event import (
    TERMINAL,
    EventReader,
    StreamEvent,
    as_list,
    index_of,
    is_error,
)
from penstock.dialects.openai_responses.stream_items import PARTS, TEXTS, GrowingItem, events_of
from penstock.dialects.openai_responses.stream_losses import Losses
from penstock.dialects.openai_responses.stream_message import GuardedMessage
from penstock.dialects.openai_responses.stream_progress import MAX_ENDING_BYTES, Progress
from penstock.dialects.sse import MAX_EVENT_BYTES, Event
from penstock.dialects.stream_event import as_object
from penstock.dialects.stream_guarded import Guarded
from penstock.errors import PenstockError, UpstreamError
from penstock.streams import Guard

_DONE_ITEM: Final = "response.output_item.done"
_SILENT: Final = frozenset(
    {
        *("response.created", "response.queued", "response.in_progress"),
        *("response.output_item.added", "response.content_part.added", "keepalive", "ping"),
    }
)


@dataclass(slots=True)
class _Item:
    """An item that has begun. `message` is None until its turn comes, and of one that is held."""

    index: int
    begun: dict[str, Any]
    growing: GrowingItem
    sent_index: int = -1
    message: GuardedMessage | None = None
    came: list[StreamEvent] = field(default_factory=list)
    """What is held of it."""
    has_ended: bool = False

    @property
    def is_message(self) -> bool:
        """Whether it leaves piece by piece: a message of which nothing was said when it began."""
        return self.begun.get("type") == "message" and not self.begun.get("content")


class GuardedStream(Guarded[Progress]):
    """Holds items that are not whole up to `max_held_bytes`."""

    def __init__(
        self, guard: Guard, echo: Echo | None = None, *, max_held_bytes: int = MAX_EVENT_BYTES
    ) -> None:
        super().__init__(guard, Progress(), max_held_bytes, MAX_ENDING_BYTES)
        self._reader = EventReader(echo or Echo())
        self._items: dict[int, _Item] = {}
        self._turns: deque[_Item] = deque()  # those that have begun and not ended; the first one leaves
        self._held_bytes = 0
        self._left_items: list[Any] = []
        self._number = 0
        self._sent_number = 0  # what the caller has seen of it

    @override
    def error(self, refusal: Denial | PenstockError, request_id: str) -> bytes:
        return error_event(refusal, request_id, self._sent_number)

    @override
    def _say_due(self) -> None:
        message = self._turns[0].message if self._turns else None
        channels = message.channels if message is not None else {}
        for channel, text in self._guard.due():
            if message is not None and channel in channels:
                self._send(message.own(channels[channel], text), self._turns[0].sent_index)

    @override
    def _settle_all(self) -> None:
        """Nothing: the event that holds the whole answer has settled it."""

    @override
    def _left(self) -> bytes:
        if left := super()._left():
            self._sent_number = self._number
        return left

    @override
    def _take(self, event: Event) -> None:
        came = self._reader.read(event)
        if came is None:
            return
        self._progress.read(came.tree)
        if came.kind in TERMINAL:
            self._end(came)
        elif is_error(came.tree):
            self._fail(came)
        elif "output_index" in came.tree:
            self._take_item(came)
        else:
            self._send(self._seen(came))

    def _take_item(self, came: StreamEvent) -> None:
        """An event about an item: it leaves, is held, or waits until it is the item's turn."""
        index = index_of(came.tree)
        if came.kind == "response.output_item.added":
            if index in self._items:
                raise _malformed("begins an item twice")
            begun = as_object(came.tree.get("item"))
            self._items[index] = _Item(index, begun, GrowingItem(begun))
            self._turns.append(self._items[index])
        item = self._items.get(index)
        if item is None:
            raise _malformed("goes on with an item that has not begun")
        if item.has_ended:
            self._take_late(item, came)
            return
        item.growing.add(came.tree)
        item.came.append(came)
        self._held_bytes += len(came.event.raw)
        item.has_ended = came.kind == _DONE_ITEM
        self._advance()
        if self._held_bytes > self._max_held_bytes:
            raise self._too_large("items that are not whole")

    def _advance(self) -> None:
        """What may leave of the items, in turn."""
        while self._turns and self._guard.denial is None:
            item = self._turns[0]
            if item.is_message:
                self._go_on(item)
            elif item.has_ended:
                self._let_go(item)
            if not item.has_ended:
                return
            self._turns.popleft()

    def _go_on(self, item: _Item) -> None:
        """The events of a message whose turn it is."""
        if item.message is None:
            item.sent_index = len(self._left_items)
            item.message = GuardedMessage(self._guard, item.sent_index)
        for came in self._taken(item):
            self._send(item.message.take(came), item.sent_index)
        if item.has_ended:
            self._left_items.append(item.message.left)

    def _let_go(self, item: _Item) -> None:
        """An item that is whole: its events as they came, or written anew when it is not what came."""
        came = self._taken(item)
        whole = item.growing.whole()
        losses = Losses()
        for event in came:
            losses.note(event)
        content = checked({"output": [whole]})
        left = self._guard.whole(content)
        if self._guard.denial is not None:
            return
        item.sent_index = len(self._left_items)
        if left is content and not losses.has(whole):
            self._left_items.append(whole)
            self._send(came, item.sent_index)
        else:
            self._say(left.tree["output"])

    def _say(self, items: list[Any]) -> None:
        """Items in events of the gateway's own."""
        for each in items:
            made = events_of(each, len(self._left_items))
            self._left_items.append(each)
            self._send(StreamEvent.of({"type": tree["type"], "sequence_number": 0, **tree}) for tree in made)

    def _take_late(self, item: _Item, came: StreamEvent) -> None:
        """An event about an item that has ended: it may say how it went, no more words."""
        stem = came.kind.rpartition(".")[0]
        if stem in TEXTS or stem in PARTS or came.kind == _DONE_ITEM:
            raise _malformed("goes on with an item that has ended")
        if item.sent_index >= 0:
            self._send(self._seen(came), item.sent_index)

    def _end(self, came: StreamEvent) -> None:
        """The event that holds the whole answer: it says what has left, once nothing is held any more."""
        output = as_list(as_object(came.tree.get("response")).get("output"))
        self._finish(output)
        self._say_rest(output)
        if self._guard.denial is not None:
            return
        blank: dict[Any, Any] = {("response", "output"): []} if output or self._left_items else {}
        if as_object(came.tree.get("response")).get("output_text"):
            blank[("response", "output_text")] = ""
        for event in self._seen(came.having(blank)):
            whole = event.having({("response", "output"): self._left_items} if blank else {})
            self._keep(self._numbered(whole, None))

    def _finish(self, output: list[Any]) -> None:
        """Items that nobody has ended: as the whole answer has them."""
        for item in list(self._turns):
            index = item.index
            said = output[index] if index < len(output) and type(output[index]) is dict else None
            whole = said if said is not None else item.growing.whole()
            done = {"type": _DONE_ITEM, "sequence_number": 0, "output_index": index, "item": whole}
            if not item.has_ended:
                self._take_item(StreamEvent.of(done))

    def _say_rest(self, output: list[Any]) -> None:
        """Items of which nothing was said before the whole answer."""
        known = {_identity(each.growing.whole()) for each in self._items.values()}
        nameless = len(self._items) if None in known else 0
        rest = [
            each
            for number, each in enumerate(output)
            if (number >= nameless if _identity(each) is None else _identity(each) not in known)
        ]
        for each in rest if self._guard.denial is None else ():
            left = self._guard.whole(checked({"output": [each]}))
            if self._guard.denial is None:
                self._say(left.tree["output"])

    def _fail(self, came: StreamEvent) -> None:
        """The upstream failed: what a message said leaves, half of any other item does not."""
        head = self._turns[0] if self._turns else None
        if head is not None and head.message is not None:
            self._send(head.message.rest(), head.sent_index)
        self._turns.clear()
        self._send(self._seen(came))

    def _seen(self, came: StreamEvent) -> Iterator[StreamEvent]:
        """An event as it leaves, seen as a whole; none after a denial."""
        event = self._guard.whole(came)
        if self._guard.denial is None:
            yield event

    def _taken(self, item: _Item) -> list[StreamEvent]:
        came, item.came = item.came, []
        self._held_bytes -= sum(len(each.event.raw) for each in came)
        return came

    def _send(self, events: Iterable[StreamEvent], sent_index: int | None = None) -> None:
        for event in events:
            self._leave(self._numbered(event, sent_index), is_silent=_is_silent(event))

    def _numbered(self, event: StreamEvent, sent_index: int | None) -> bytes:
        if not self._out and not self._number and type(event.tree.get("sequence_number")) is int:
            self._number = event.tree["sequence_number"]
        framed = event.numbered(self._number, sent_index).framed()
        self._number += 1
        return framed


def _is_silent(event: StreamEvent) -> bool:
    """Whether an event says nothing of the answer: its start, that of an item or part, a delta of nothing."""
    return event.kind in _SILENT or event.tree.get("delta") == ""


def _identity(item: Any) -> Any:
    identity = as_object(item).get("id")
    return identity if type(identity) is str else None


def _malformed(what: str) -> UpstreamError:
    return UpstreamError(f"The upstream's stream {what}.", outcome="malformed")
