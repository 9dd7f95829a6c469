"""One windowed placement over one whole stream: what it is shown, what comes of it, its one record.

    a piece of a channel      `found_in`   what its method says of the piece, for the window
    what is whole             `whole`      the method once, as the unary gate does
    what it cannot see        `inspected`  refused, dropped or allowed
    the end                   `settled`    the record, as of a unary answer

A block or a failure ends the stream through `Ruling`; in shadow, and with `on_error = "allow"`, it ends the
turn: the placement is called no more, and everything passes it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, assert_never

from penstock.content import Content
from penstock.denial import Denial
from penstock.errors import FailureClass, PluginError
from penstock.evidence.record import Action, PlacementRecord
from penstock.gates import denials
from penstock.gates.exchange import Exchange, edit_count
from penstock.gates.inspection import NOTHING_UNSEEN, Inspection, inspect_content
from penstock.gates.placement import Mode
from penstock.gates.records import blank, our_fault, settle
from penstock.gates.stream_calls import Calls
from penstock.gates.stream_decisions import edited, found_in
from penstock.gates.stream_texts import GatheredContent, Passed, changes, gathered
from penstock.gates.window import Found
from penstock.sdk.decisions import Allow, Block, Respond, Transform
from penstock.sdk.edits import Edit
from penstock.sdk.fields import CONTENT_FIELDS
from penstock.sdk.projection import Piece, Projection, TextValues

if TYPE_CHECKING:
    from penstock.gates.gate import Seat

log = logging.getLogger(__name__)

T = TypeVar("T")
Changing = tuple[Content, Sequence[Edit]]


@dataclass(slots=True)
class Ruling:
    """What ends a stream before its time. The first stands."""

    denial: Denial | None = None

    def stop(self, denial: Denial) -> None:
        self.denial = self.denial or denial


class Turn:
    """One placement's turn. `exchange` is without a response while the stream is under way."""

    def __init__(self, seat: Seat, mode: Mode, exchange: Exchange, calls: Calls, ruling: Ruling) -> None:
        placement = seat.placement
        self.placement = placement
        self.is_enforcing = mode is Mode.ENFORCE
        self.is_over = False
        """Whether it is called no more: it has failed, blocked, or said in shadow that it would."""
        self.ruling = ruling
        self.fields = tuple(n for n in placement.reads if n in CONTENT_FIELDS and n.startswith("response."))
        """The fields of the answer that it reads."""
        self._mode = mode
        self._exchange = exchange
        self._calls = calls
        self._passed: list[Callable[[], Passed]] = []
        self._record = blank(placement, mode)
        self._actions: list[Action] = []

    @property
    def is_stopped(self) -> bool:
        """Whether the stream is to end: nothing more may leave."""
        return self.ruling.denial is not None

    def keep(self, passed: Callable[[], Passed]) -> None:
        """Remember a text in the order of appearance; `passed` tells of it when the record is made."""
        self._passed.append(passed)

    def found_in(self, field: str, text: str, piece: Piece, new_chars: int) -> Found:
        """What the method says of a piece of a channel of `field`. Raises PluginError."""
        values = {**self._values, field: TextValues((text,), piece=piece)}
        return found_in(self._calls.make(Projection(values), new_chars).checked(), field)

    def whole(self, content: Content) -> Content:
        """`content` as it leaves. The method is called once, when there are texts that it reads."""
        came = [name for name in self.fields if content.texts(name).texts]
        if not came:
            return content
        is_shown = not self.is_over
        changed = self.tried(lambda: self._changed(content)) if is_shown else None
        left, edits = changed or (content, ())
        passed = [self._passed_whole(name, content, left, edits, is_shown=is_shown) for name in came]
        for one in passed:
            self.keep(one.itself)
        return left if self.is_enforcing and any(one.has_changed for one in passed) else content

    def inspected(self, content: Content) -> tuple[Inspection, Content]:
        """What it cannot see of `content`, and what is left when that is dropped. Refuses what is refused."""
        found = inspect_content(self.placement, content)
        left = content
        if self.is_enforcing:
            try:
                left = found.dropped_from(content)
            except ValueError:
                found = found.refusing()
        if found.refused:
            self._refuse(found)
        return (found, left) if self.is_enforcing else (NOTHING_UNSEEN, content)

    def tried(self, step: Callable[[], T]) -> T | None:
        """What `step` returns; None when it failed: that is recorded, and `on_error` has decided."""
        try:
            return step()
        except PluginError as error:
            self._fail(error)
        except Exception:
            log.exception("a placement's turn crashed", extra={"plugin": self.placement.plugin})
            self._fail(our_fault())
        return None

    def block(self, reason: str) -> None:
        """The verdict of its method."""
        self._stop(reason, denials.blocked(self.placement, reason))

    def settled(self, *, has_answer: bool) -> PlacementRecord:
        """Its record. The exchange holds the answer now, and what the upstream said of it.

        A method that records is called once more, on all that it was shown: pieces overlap, so what it counts
        in them would count twice. The decision of that call comes too late to matter.
        """
        record, calls = self._record, self._calls
        record.ms = calls.spent_s * 1000
        is_untouched = not (calls.count or self._actions or record.would)
        if is_untouched and (self.ruling.denial or not has_answer):
            return blank(self.placement, self._mode, "after_block" if self.ruling.denial else "no_context")
        passed = [tell() for tell in self._passed]
        shown = self._exchange.beside(gathered(passed, attrgetter("shown")))
        if record.failure is None and (calls.has_recorded or is_untouched):
            self._recall(shown)
        if calls.count:
            record.saw = shown.saw(self.placement.reads)
        if self.is_enforcing or not self.is_over:
            record.changed = changes(self._exchange, passed, self.fields)
        record.calls = calls.count
        record.refused = list(calls.refused)
        self._conclude()
        return record

    @cached_property
    def _values(self) -> Mapping[str, Any]:
        """What it is granted beside the answer's texts. Asked for when the first of them is there."""
        placement = self.placement
        empty = self._exchange.beside(GatheredContent({}))
        values = empty.projected(placement.reads, placement.terms.writes).values
        return {**values, "response.usage": {}} if "response.usage" in values else values

    def _changed(self, content: Content) -> Changing | None:
        """`content` as the method changes it, and its edits; None when it does not. Raises PluginError."""
        texts = {name: content.texts(name) for name in self.fields}
        chars = sum(len(text) for values in texts.values() for text in values.texts)
        decision = self._calls.make(Projection({**self._values, **texts}), chars).checked()
        match decision:
            case Allow():
                return None
            case Block():
                self.block(decision.reason)
                return None
            case Transform():
                edits = [edit for edit in decision.edits if edit]
                return (edited(content, edits, self.fields), edits) if edits else None
            case Respond():
                raise PluginError(FailureClass.CONTRACT, "a stream that is under way cannot be replaced")
        assert_never(decision)

    def _passed_whole(
        self, field: str, came: Content, left: Content, edits: Sequence[Edit], *, is_shown: bool
    ) -> Passed:
        before, after = came.texts(field).texts, left.texts(field).texts
        shown = before if is_shown else ()
        return Passed(field, None, before, after, shown, edit_count(field, edits), before != after)

    def _refuse(self, found: Inspection) -> None:
        if self.is_enforcing or not self.is_over:
            message = found.message(self.placement.plugin)
            self._stop(denials.UNINSPECTABLE, denials.uninspectable(message))

    def _stop(self, reason: str, denial: Denial) -> None:
        self.is_over = True
        self._record.reason = reason
        if self.is_enforcing:
            self._actions.append("block")
            self.ruling.stop(denial)
        else:
            self._record.would = "would_block"

    def _fail(self, error: PluginError) -> None:
        self.is_over = True
        self._note(error)
        denial = denials.for_error(self.placement, self._mode)
        if denial is not None:
            self.ruling.stop(denial)

    def _note(self, error: PluginError) -> None:
        self._record.failure = error.failure.value
        self._actions.append("fail")

    def _recall(self, shown: Exchange) -> None:
        """Call the method on all that it was shown, for what it records. Failing, it fails without effect."""
        placement = self.placement
        projection = shown.projected(placement.reads, placement.terms.writes)
        try:
            self._record.recorded = dict(self._calls.recall(projection).recorded or {})
        except PluginError as error:
            self._note(error)

    def _conclude(self) -> None:
        record = self._record
        if record.changed and self.is_enforcing:
            self._actions.append("transform")
        elif record.changed:
            record.would = "would_transform"
        settle(record, *self._actions)
