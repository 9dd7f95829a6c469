"""The windowed placements that read one channel, one after another, and the text on its way through them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from io import StringIO

from penstock.gates.stream_coalescer import Coalescer
from penstock.gates.stream_texts import Passed
from penstock.gates.stream_turn import Turn
from penstock.gates.window import Blocked, Found, Window
from penstock.sdk.projection import Piece


class Stage:
    """One placement over one channel. In shadow it lets every text through as it came."""

    def __init__(self, turn: Turn, field: str, choice: int | None, came: StringIO) -> None:
        """`came` is what the stage before it let go, which is written before this one is fed."""
        placement = turn.placement
        window_chars = placement.window_chars or 1
        hold_chars = max(placement.max_hold_chars or 0, window_chars)
        self.left = StringIO()
        self._turn = turn
        self._field = field
        self._choice = choice
        self._came = came
        self._window = Window(self._find, window_chars, hold_chars)
        self._pieces = {is_end: Piece(is_end, window_chars, hold_chars) for is_end in (False, True)}
        self._counted_chars = 0

    @property
    def has_changed(self) -> bool:
        """Whether what left is not what came."""
        return self._turn.is_enforcing and self._window.has_changed

    def feed(self, text: str) -> str:
        """What may go on now that `text` has come; nothing once the stream is to end."""
        return self._through(self._window.feed, text)

    def end(self, text: str) -> str:
        """The rest, `text` being the last of what comes."""
        return self._through(self._window.end, text)

    def passed(self) -> Passed:
        """What came of the channel so far."""
        came, window = self._came.getvalue(), self._window
        shown = came[: window.shown_chars]
        texts = (came,), (self.left.getvalue(),), (shown,)
        return Passed(self._field, self._choice, *texts, window.edits, window.has_changed)

    def _through(self, step: Callable[[str], str | Blocked], text: str) -> str:
        turn = self._turn
        if turn.is_stopped:
            return ""
        # What was held when the turn ended, of this channel or another, goes on with the next text.
        out = self._window.give_up() + text if turn.is_over else self._edited(step, text)
        return self._let_go(out, text)

    def _let_go(self, out: str, text: str) -> str:
        if self._turn.is_stopped:
            return ""
        self.left.write(out)
        return out if self._turn.is_enforcing else text

    def _edited(self, step: Callable[[str], str | Blocked], text: str) -> str:
        out = self._turn.tried(partial(step, text))
        if isinstance(out, str):
            return out
        if out is not None:
            self._turn.block(out.reason)
        return self._window.give_up()

    def _find(self, piece: str, is_end: bool) -> Found:
        new_chars = self._window.shown_chars - self._counted_chars
        self._counted_chars = self._window.shown_chars
        return self._turn.found_in(self._field, piece, self._pieces[is_end], new_chars)


class Line:
    """One channel. With no stage that enforces it holds nothing: its texts leave as they come."""

    def __init__(self, turns: Sequence[Turn], field: str, choice: int | None, coalescer: Coalescer) -> None:
        self.choice = choice
        self.coalescer = coalescer
        self.holds = any(turn.is_enforcing for turn in turns)
        self._came = came = StringIO()
        self._stages: list[Stage] = []
        for turn in turns:
            stage = Stage(turn, field, choice, came)
            turn.keep(stage.passed)
            self._stages.append(stage)
            came = stage.left if turn.is_enforcing else came

    @property
    def has_changed(self) -> bool:
        """Whether anything left otherwise than it came."""
        return any(stage.has_changed for stage in self._stages)

    def feed(self, text: str) -> str:
        """What leaves now that `text` has come."""
        self._came.write(text)
        for stage in self._stages:
            if not text:
                break
            text = stage.feed(text)
        return text

    def end(self, text: str) -> str:
        """The rest, `text` being the last of what comes."""
        self._came.write(text)
        for stage in self._stages:
            text = stage.end(text)
        return text
