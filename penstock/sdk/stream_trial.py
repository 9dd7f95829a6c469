"""A windowed plugin on a text in pieces: a reference that can be read in one sitting, for tests and checks.

It keeps the rules of docs/adr/0005-windows.md, but shows the whole text so far at each call where the gateway
shows two or three windows. What leaves is what leaves a gateway, or the gateway raises a failure
(`agrees_from_later` finds the plugins for which it would).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from penstock.errors import FailureClass, PluginError
from penstock.sdk.decisions import Allow, Block, Decision, Transform
from penstock.sdk.edits import Replace, Span, SpanEdit, apply_spans

# The reference shows all of a text at each call: one character at a time costs its square.
_SHORT_CHARS: Final = 400
_MAX_RETREATS: Final = 3  # as the gateway's: how often one look gives way before blocks that are not settled


class Look(NamedTuple):
    """What one call found in a piece; of a plugin that blocks, edits are not known."""

    spans: tuple[Replace, ...] = ()
    block: Span | None = None
    reason: str = ""


Find = Callable[[str, bool], Look]
"""`find(piece, is_end)`. Raises whatever the plugin does."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """What came of a text: what left, and why no more did."""

    text: str
    reason: str | None = None
    """Of a block, which is at `at` in the text that came."""
    at: Span | None = None
    failure: PluginError | None = None
    error: Exception | None = None
    """What the plugin itself raised, for its author; the gateway keeps the class only."""


class HoldExceededError(PluginError):
    """A match is wider than what may be held: `on_error` decides then."""

    def __init__(self, hold_chars: int) -> None:
        super().__init__(FailureClass.CONTRACT, f"a match is wider than {hold_chars} characters")


def look_of(decision: Decision, field: str, text: str) -> Look:
    """`decision` about a piece. Raises PluginError for what a stream cannot take."""
    if isinstance(decision, Allow):
        return Look()
    if isinstance(decision, Block):
        if decision.at is None or not 0 <= decision.at.start <= decision.at.end <= len(text):
            raise _breach("a block on a stream says where it is: Block(reason, at=Span(start, end)).")
        return Look(block=decision.at, reason=decision.reason)
    if not isinstance(decision, Transform):
        raise _breach('a stream that is under way cannot be replaced: declare stream = "buffer".')
    spans: list[Replace] = []
    for edit in (edit for edit in decision.edits if edit):
        if not isinstance(edit, SpanEdit) or edit.field != field:
            raise _breach('on a stream only spans of the piece change: .sub, .replace, or stream = "buffer".')
        spans += (Replace(*span) for _, found in edit.spans for span in found)
    spans.sort(key=lambda span: span.start)
    try:
        apply_spans(text, spans)
    except ValueError:
        raise _breach("replacements overlap or leave the text") from None
    return Look(tuple(spans))


def streamed(find: Find, pieces: Iterable[str], window_chars: int, max_hold_chars: int) -> Streamed:
    """What leaves when the text comes in `pieces`."""
    trial = _Trial(find, window_chars, max(window_chars, max_hold_chars))
    try:
        for piece in pieces:
            trial.text += piece
            if trial.ended is None:
                trial.look(len(trial.text), is_end=False)
        if trial.ended is None:
            trial.look(len(trial.text), is_end=True)
    except PluginError as error:
        return Streamed(trial.out, failure=error)
    except Exception as error:  # noqa: BLE001  # a plugin may raise anything
        return Streamed(trial.out, failure=PluginError(FailureClass.EXCEPTION, "it raised"), error=error)
    return trial.ended or Streamed(trial.out)


class _Trial:
    def __init__(self, find: Find, window_chars: int, hold_chars: int) -> None:
        self.text = self.out = ""
        self.ended: Streamed | None = None
        self._find = find
        self._window_chars = window_chars
        self._hold_chars = hold_chars
        self._released = 0
        self._applied: list[Replace] = []

    def look(self, until: int, *, is_end: bool, retreats: int = _MAX_RETREATS) -> None:
        limit = until + 1 if is_end else until - self._window_chars
        if limit <= self._released:
            return
        found = self._find(self.text[:until], is_end)
        if found.block is None:
            self._release(found.spans, limit, until)
        elif self._is_settled(found.block, until) or is_end:
            self.ended = Streamed(self.out, found.reason, found.block)
        elif retreats:
            # Edits before a block that may come to nothing: looked for in the text without it.
            self.look(min(found.block.start, until - 1), is_end=False, retreats=retreats - 1)

    def _is_settled(self, block: Span, until: int) -> bool:
        if block.start < self._released:
            raise _changed()
        end = max(block.end, block.start + 1)
        return end + self._window_chars <= until or block.end - block.start > self._hold_chars

    def _release(self, spans: Sequence[Replace], limit: int, until: int) -> None:
        old = [span for span in spans if span.start < self._released]
        if old != self._applied[: len(old)] or len(self._applied) > len(old):
            raise _changed()
        for span in spans[len(old) :]:
            if span.start < limit and span.end - span.start > self._hold_chars:
                raise HoldExceededError(self._hold_chars)
            if span.start >= limit or span.end > limit:
                limit = min(limit, span.start)
                break
            self.out += self.text[self._released : span.start] + span.text
            self._released = span.end
            self._applied.append(span)
        end = min(max(limit, self._released), until)
        self.out += self.text[self._released : end]
        self._released = end


def agrees_from_later(find: Find, text: str, window_chars: int) -> bool:
    """Whether what is found does not depend on what stands far before: a gateway does not show it.

    Looks from a few places between words; one that agrees is enough, as it is for the gateway.
    """
    whole = find(text, True)
    if whole.block is not None:
        return True
    starts = [at + 1 for at in _gaps(text, whole.spans)]
    chosen = [starts[len(starts) * part // 5] for part in range(1, 5)] if starts else []
    compared = [at for at in chosen if any(span.start >= at + window_chars for span in whole.spans)]
    return not compared or any(_agrees(find, text, at, whole.spans, window_chars) for at in compared)


def _agrees(find: Find, text: str, start: int, spans: Sequence[Replace], window_chars: int) -> bool:
    later = find(text[start:], True)
    if later.block is not None:
        return False
    moved = [Replace(span.start + start, span.end + start, span.text) for span in later.spans]
    low = start + window_chars
    return [s for s in moved if s.start >= low] == [s for s in spans if s.start >= low]


def _gaps(text: str, spans: Sequence[Replace]) -> Iterator[int]:
    """Spaces and line ends outside of matches."""
    at = 0
    for span in (*spans, Replace(len(text), len(text), "")):
        yield from (index for index in range(at, span.start) if text[index].isspace())
        at = span.end


def stream_problem(find: Find, text: str, window_chars: int, max_hold_chars: int) -> str | None:
    """How `text` in pieces differs from `text` whole, and what to do; None when it does not.

    Cuts it into single characters (a long one into eleven), into pieces of some words, and in two.
    `window_chars` and `max_hold_chars` as in the manifest; the second is the window where it declares none.
    """
    try:
        whole = find(text, True)
    except PluginError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  # a plugin may raise anything
        return f"it raised {type(error).__name__}."
    for pieces in _ways(text):
        found = streamed(find, pieces, window_chars, max_hold_chars)
        if isinstance(found.failure, HoldExceededError) and max_hold_chars > window_chars:
            return None  # a declared bound, beyond which `on_error` decides
        if found.failure is not None:
            return f"{found.failure} {_remedy(window_chars)}"
        if problem := _difference(found, whole, text):
            return f"{problem} {_remedy(window_chars)}"
    if not agrees_from_later(find, text, window_chars):
        return (
            "what it finds depends on what stands more than window_chars before it, which a stream no longer"
            " shows: number nothing, count nothing across a text, and look at each place for itself."
        )
    return None


def _remedy(window_chars: int) -> str:
    return (
        f"A match has to show within window_chars = {window_chars}: raise it, bound the pattern, or report"
        " what is open (`opening`) and declare max_hold_chars."
    )


def _difference(found: Streamed, whole: Look, text: str) -> str | None:
    if whole.block is not None:
        is_same = (found.reason, found.at) == (whole.reason, whole.block)
        return None if is_same else "in pieces it is not blocked as the whole text is."
    if found.reason is not None:
        return "in pieces it is blocked, and whole it is not."
    return None if found.text == apply_spans(text, whole.spans) else "in pieces it is edited otherwise."


def _ways(text: str) -> Iterator[list[str]]:
    """One character at a time; some words at a time, as models stream; and cut once, at several places."""
    for size in (1 if len(text) <= _SHORT_CHARS else 11, 64):
        yield [text[at : at + size] for at in range(0, len(text), size)]
    yield from ([text[:at], text[at:]] for at in range(1, len(text), max(1, len(text) // 4)))


def _changed() -> PluginError:
    return _breach("text that has left looks different now.")


def _breach(detail: str) -> PluginError:
    return PluginError(FailureClass.CONTRACT, detail)
