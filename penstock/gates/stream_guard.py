"""The gates' side of a stream under way: `penstock.streams.Guard` over the windowed placements' turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar, cast

from penstock.content import Content
from penstock.denial import Denial
from penstock.evidence.record import Uninspected
from penstock.gates.stream_coalescer import GATHER_CHARS, GATHER_MS, Coalescer
from penstock.gates.stream_line import Line
from penstock.gates.stream_texts import GatheredContent
from penstock.gates.stream_turn import Ruling, Turn
from penstock.gates.stream_unseen import UnseenTally
from penstock.streams import Channel

ContentT = TypeVar("ContentT", bound=Content)


class StreamGuard:
    """Implements `penstock.streams.Guard`. `clock` in seconds, monotonic."""

    def __init__(self, turns: Sequence[Turn], ruling: Ruling, clock: Callable[[], float]) -> None:
        """`turns` in the order of their placements; all of them read the answer, so all guard it."""
        self.spent_s = 0.0
        """Time inside, without that of deltas that only wait to be gathered."""
        self._turns = tuple(turns)
        self._readers: Final = {
            field: tuple(turn for turn in turns if field in turn.fields)
            for field in {field for turn in turns for field in turn.fields}
        }
        self._ruling = ruling
        self._clock = clock
        self._lines: dict[Channel, Line] = {}
        self._waiting: dict[Channel, Line] = {}
        """Lines that hold what is to be gathered, the one that has waited longest first."""
        self._edited: set[int | None] = set()
        self._tally = UnseenTally()

    @property
    def denial(self) -> Denial | None:
        return self._ruling.denial

    @property
    def uninspected(self) -> list[Uninspected]:
        """What enforcing guards could not see so far."""
        return self._tally.entries

    def admit(self, content: ContentT) -> ContentT:
        return self._through(content, self._inspected)

    def text(self, channel: Channel, field: str, text: str) -> str:
        if self._ruling.denial is not None:
            return ""
        line = self._lines.get(channel) or self._begun(channel, field)
        if line is None:
            return text
        due = line.coalescer.add(text)
        if not line.holds:
            if due:
                self._fed(line, due)
            return text
        if due:
            self._waiting.pop(channel, None)
            return self._fed(line, due)
        if text:
            self._waiting[channel] = line
        return ""

    def end(self, channel: Channel) -> str:
        line = self._lines.pop(channel, None)
        self._waiting.pop(channel, None)
        if line is None or self._ruling.denial is not None:
            return ""
        started = self._clock()
        left = self._left(line, line.end(line.coalescer.take()))
        self._spend_since(started)
        return left if line.holds else ""

    def due(self) -> Sequence[tuple[Channel, str]]:
        texts = []
        while self.wait_ms() == 0:
            channel, line = next(iter(self._waiting.items()))
            del self._waiting[channel]
            if left := self._fed(line, line.coalescer.take()):
                texts.append((channel, left))
        return [] if self._ruling.denial is not None else texts

    def wait_ms(self) -> float | None:
        if self._ruling.denial is not None:
            return None
        return next((line.coalescer.wait_ms() for line in self._waiting.values()), None)

    def whole_text(self, field: str, text: str) -> str:
        texts = self.whole(GatheredContent({field: (text,)})).texts(field).texts
        return "" if self._ruling.denial is not None else "".join(texts)

    def whole(self, content: ContentT) -> ContentT:
        return self._through(content, self._inspected_and_shown)

    def is_edited(self, choice: int | None) -> bool:
        return choice in self._edited

    def _begun(self, channel: Channel, field: str) -> Line | None:
        """The line of a new channel; None when nobody reads its field."""
        turns = self._readers.get(field)
        if turns is None:
            return None
        coalescer = Coalescer(GATHER_CHARS, GATHER_MS, self._clock)
        line = self._lines[channel] = Line(turns, field, channel.choice, coalescer)
        return line

    def _fed(self, line: Line, text: str) -> str:
        started = self._clock()
        left = self._left(line, line.feed(text))
        self._spend_since(started)
        return left

    def _left(self, line: Line, text: str) -> str:
        if line.has_changed:
            self._edited.add(line.choice)
        return text

    def _through(self, content: ContentT, step: Callable[[Turn, Content], Content]) -> ContentT:
        """`content` as turn after turn leaves it, up to the one that stops the stream."""
        started = self._clock()
        left: Content = content
        for turn in self._turns:
            if self._ruling.denial is not None:
                break
            left = step(turn, left)
        self._spend_since(started)
        return cast("ContentT", left)

    def _inspected(self, turn: Turn, content: Content) -> Content:
        found, left = turn.inspected(content)
        self._tally.add(found.entries)
        return left

    def _inspected_and_shown(self, turn: Turn, content: Content) -> Content:
        return turn.whole(self._inspected(turn, content))  # who has refused it is not shown it

    def _spend_since(self, started: float) -> None:
        self.spent_s += self._clock() - started
