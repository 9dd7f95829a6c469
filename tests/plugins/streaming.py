"""A plugin in the gateway's own window, and every way to cut what a model says."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from penstock.gates.stream_decisions import found_in
from penstock.gates.window import Blocked, Find, Found, Window
from penstock.sdk import Response
from penstock.sdk.context import Context, RecordSpec
from penstock.sdk.contract import Terms, checked
from penstock.sdk.loading import load_plugin
from penstock.sdk.projection import Piece, Projection, TextValues

TEXT = "response.text"


class Stream:
    """One windowed plugin with `config`, under all that its manifest asks for."""

    def __init__(self, folder: str, config: dict[str, Any] | None = None) -> None:
        loaded = load_plugin(Path(folder), config or {})
        asked = loaded.manifest.moments["after_upstream"]
        self.window_chars = asked.window_chars or 0
        self.hold_chars = max(asked.max_hold_chars or 0, self.window_chars)
        self._loaded = loaded
        self._terms = Terms(
            frozenset(asked.writes), frozenset(asked.effects), frozenset(loaded.manifest.reasons)
        )
        self._reads = asked.reads
        self._specs = {
            name: RecordSpec(record.unit, record.minimum, record.maximum, record.values)
            for name, record in loaded.manifest.records.items()
        }

    def window(self, *, min_step_chars: int = 1024) -> Window:
        return Window(self.find, self.window_chars, self.hold_chars, min_step_chars=min_step_chars)

    def find(self, piece: str, is_end: bool) -> Found:
        """What the engine learns of a piece."""
        return self._asked(piece, Piece(is_end, self.window_chars, self.hold_chars))

    def whole(self, text: str) -> Found:
        """What the unary gate learns of the text."""
        return self._asked(text, None)

    def _asked(self, text: str, piece: Piece | None) -> Found:
        values = dict.fromkeys(self._reads, TextValues(())) | {TEXT: TextValues((text,), piece=piece)}
        projection = Projection(values)
        context: Context[Any] = Context("0", self._loaded.config, specs=self._specs)
        decision = self._loaded.plugin.after_upstream(Response(projection), context)
        assert not projection.refused
        return found_in(checked(decision, self._terms), TEXT)


def run(window: Window, pieces: Iterable[str]) -> tuple[str, Blocked | None]:
    """What left, and the verdict."""
    released = ""
    steps: list[Callable[[], str | Blocked]] = [
        *(partial(window.feed, piece) for piece in pieces),
        window.end,
    ]
    for step in steps:
        out = step()
        if isinstance(out, Blocked):
            return released, out
        released += out
    return released, None


def random_cuts(dice: random.Random, text: str) -> list[str]:
    """As a model's tokens are, mostly; sometimes a few long pieces."""
    widest = dice.choice([1, 3, 8, 64, len(text)])
    pieces = []
    while text:
        size = dice.randint(1, max(1, widest))
        pieces.append(text[:size])
        text = text[size:]
    return pieces


def two_way_cuts(text: str, low: int, high: int) -> Iterator[list[str]]:
    """Cut in two at every place from `low` to `high`."""
    yield from ([text[:at], text[at:]] for at in range(low, high + 1))


__all__ = ["TEXT", "Find", "Stream", "random_cuts", "run", "two_way_cuts"]
