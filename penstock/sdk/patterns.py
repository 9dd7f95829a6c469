"""How far a regular expression looks, read from its parsed form: whether a window is wide enough for it.

    key-[a-z]{8}(?![a-z])      12 wide, looks at 13; told when 13 are there
    key-[a-z]{8,}+             no greatest width; told after 12, then reported as far as it has come
    BEGIN.*?END                no greatest width; told only when it is whole: it needs an `opening`

What a window demands of a pattern is in docs/adr/0005-windows.md. Nothing here runs the pattern. The parsed
form is CPython's own (`re._parser`); what is not known here counts as without bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from math import inf
from re import _constants as op  # type: ignore[attr-defined]  # CPython's parser has no public name
from re import _parser as parser  # type: ignore[attr-defined]  # same
from typing import Any, Concatenate, Final, NamedTuple, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

# Of patterns that plugins make at load there are dozens; this bounds what one can make that compiles anew.
MAX_REMEMBERED: Final = 1024
_ONE_CHARACTER = frozenset({op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN})
_REPEATS = frozenset({op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT})
_BEGINNINGS = frozenset({op.AT_BEGINNING, op.AT_BEGINNING_LINE, op.AT_BEGINNING_STRING})
_ENDINGS = frozenset({op.AT_END, op.AT_END_LINE, op.AT_END_STRING})


class Reach(NamedTuple):
    """Characters, `inf` where nothing bounds them. An upper bound each: a pattern may need less."""

    width: float
    """Of the widest match."""
    extent: float
    """From where a match begins to the last character looked at, lookahead included."""
    left: float
    """How far before a match it looks."""
    told: float
    """So much of a match, and it is reported as far as it has come, however it goes on."""
    lag: float
    """Once told: how much at its end may not be reported yet, or decides where it ends."""


class _Part(NamedTuple):
    """The reach of one part of a pattern."""

    width: float = 0
    extent: float = 0
    left: float = 0
    told: float = 0
    lag: float = 0
    is_needed: bool = False
    """Where text ends in front of it, or in it, there may be no match, or another one."""
    looks_on: bool = False
    """It asks what follows, as `(?!x)` and `$`: in the midst of `(?:bc)*` the end of a text says nothing."""

    @property
    def late(self) -> float:
        """How much of it can be there before it shows."""
        return max(self.told, self.lag)


_UNKNOWN = _Part(inf, inf, inf, inf, inf, is_needed=True)
_CHARACTER = _Part(1, 1, 0, 1, 0, is_needed=True)


def _once(make: Callable[Concatenate[re.Pattern[str], P], T]) -> Callable[Concatenate[re.Pattern[str], P], T]:
    """`make`, once for each pattern object: hashing a long pattern costs more than the look-up may."""
    known: dict[tuple[object, ...], tuple[re.Pattern[str], T]] = {}

    def remembered(pattern: re.Pattern[str], /, *rest: P.args, **named: P.kwargs) -> T:
        found = known.get((id(pattern), *rest))
        if found is None:
            if len(known) >= MAX_REMEMBERED:
                known.clear()
            # The pattern is kept alive, so that its id stays its own.
            found = known[(id(pattern), *rest)] = (pattern, make(pattern, *rest, **named))
        return found[1]

    return remembered


@_once
def reach(pattern: re.Pattern[str]) -> Reach:
    """How far `pattern` looks."""
    try:
        tree = parser.parse(pattern.pattern, pattern.flags)
    except (re.error, TypeError, ValueError, RecursionError):
        return Reach(*_UNKNOWN[:5])
    return Reach(*_Walk().sequence(tree)[:5])


@_once
def to_the_end(pattern: re.Pattern[str]) -> re.Pattern[str]:
    """`pattern`, where it matches up to the very end of a text."""
    flags = pattern.flags & ~re.DEBUG
    # Flags written into a pattern stand at its very beginning, and `flags` has them.
    bare = re.sub(r"\A(?:\(\?[aiLmsux]+\))+", "", pattern.pattern)
    closing = "\n)" if flags & re.VERBOSE else ")"  # a comment ends with its line
    return re.compile(f"(?:{bare}{closing}\\Z", flags)


@_once
def misfit(pattern: re.Pattern[str], window_chars: int, max_hold_chars: int) -> str | None:
    """Why a window could let go of a part of a match, and what to do; None when it could not.

    `max_hold_chars` is the window where a manifest declares none.
    """
    return bounds_problem(pattern, window_chars, max_hold_chars) or _lateness(reach(pattern), window_chars)


@_once
def bounds_problem(pattern: re.Pattern[str], window_chars: int, max_hold_chars: int) -> str | None:
    """As `misfit`, for a pattern with an `opening`: its greatest width, and how far it looks back."""
    found = reach(pattern)
    if found.left > window_chars:
        back = _chars(found.left)
        return f"a pattern looks {back} back and window_chars is {window_chars}: raise it, or look less far."
    if found.width > window_chars >= max_hold_chars:
        return (
            f"a match may have {_chars(found.width)} and window_chars is {window_chars}: bound the pattern,"
            " raise window_chars, or declare max_hold_chars, beyond which on_error decides."
        )
    return None


def _lateness(found: Reach, window_chars: int) -> str | None:
    is_local = found.width <= window_chars and found.extent <= window_chars + 1
    is_early = found.told <= window_chars and found.lag <= window_chars
    if is_local or is_early:
        return None
    needed = min(max(found.width, found.extent - 1), max(found.told, found.lag))
    return (
        f"a match shows only after {_chars(needed)} and window_chars is {window_chars}: bound the pattern,"
        " raise window_chars, or give `opening`, a pattern for what may still become a match."
    )


def _chars(count: float) -> str:
    return "any number of characters" if count == inf else f"{count:.0f} characters"


def _times(count: float, size: float) -> float:
    return 0 if count == 0 or size == 0 else count * size


class _Walk:
    """One walk over a parsed pattern. Remembers groups, for what refers back to them."""

    def __init__(self) -> None:
        self._groups: dict[int, _Part] = {}

    def sequence(self, items: Iterable[tuple[Any, Any]]) -> _Part:
        """Parts one after the other. It is told with the last that is needed; what follows only lags."""
        parts = _settled([self._part(*item) for item in items])
        last = max((index for index, part in enumerate(parts) if part.is_needed), default=-1)
        at: float = 0
        extent: float = 0
        told: float = 0
        lag: float = 0
        for index, part in enumerate(parts):
            extent = max(extent, at + part.extent)
            if index <= last:
                told = max(told, at + (part.extent if index < last else part.told))
            lag = max(lag, part.late if index > last else part.lag if index == last else 0)
            at += part.width
        left = max((part.left for part in parts), default=0)
        return _Part(at, extent, left, told, lag, last >= 0, any(part.looks_on for part in parts))

    def _part(self, kind: Any, of: Any) -> _Part:
        if kind in _ONE_CHARACTER:
            return _CHARACTER
        if kind in _REPEATS:
            return self._repeated(of[0], of[1], self.sequence(of[2]))
        if kind is op.SUBPATTERN:
            part = self.sequence(of[3])
            if of[0] is not None:
                self._groups[of[0]] = part
            return part
        if kind is op.ATOMIC_GROUP:
            return self.sequence(of)
        return self._choice(kind, of) or self._look(kind, of)

    @staticmethod
    def _repeated(least: int, bound: int, part: _Part) -> _Part:
        most = inf if bound == op.MAXREPEAT else bound
        return _Part(
            _times(most, part.width),
            _times(most - 1, part.width) + part.extent if most else 0,
            part.left,
            _times(least - 1, part.width) + part.told if least else 0,
            part.lag if least == most else part.late,
            part.is_needed and least > 0,
            part.looks_on,
        )

    def _choice(self, kind: Any, of: Any) -> _Part | None:
        """Several ways: as wide and as late as the widest and the latest of them."""
        if kind is op.BRANCH:
            ways = [self.sequence(way) for way in of[1]]
        elif kind is op.GROUPREF:
            part = self._groups.get(of, _UNKNOWN)
            ways = [part._replace(extent=part.width, told=part.width, left=0, lag=0)]
        elif kind is op.GROUPREF_EXISTS:
            ways = [self.sequence(of[1]), self.sequence(of[2] or ())]
        else:
            return None
        width, extent, left, told, lag = (
            max(sizes) for sizes in zip(*(way[:5] for way in ways), strict=True)
        )
        # One way that nothing can hinder makes the others optional; a group decides for itself (`(?(1)a|b)`).
        is_free = kind is op.BRANCH and any(not (way.is_needed or way.looks_on) for way in ways)
        is_needed = any(way.is_needed for way in ways) and not is_free
        return _Part(width, extent, left, told, lag, is_needed, any(way.looks_on for way in ways))

    def _look(self, kind: Any, of: Any) -> _Part:
        """What takes no character, but looks at some."""
        if kind is op.AT:
            return _place(of)
        if kind in {op.ASSERT, op.ASSERT_NOT}:
            part = self.sequence(of[1])
            if of[0] < 0:
                # Where a text ends it may not hold, and hold further on: as what is needed.
                return _Part(left=part.width + part.left, is_needed=True)
            # At the end of a text nothing follows: `(?!x)` holds there, `(?=x)` does not.
            is_needed = kind is op.ASSERT
            return _Part(0, part.extent, part.left, part.extent, part.extent, is_needed, looks_on=True)
        return _Part() if kind is getattr(op, "FAILURE", None) else _UNKNOWN


def _settled(parts: list[_Part]) -> list[_Part]:
    """What asks what follows is needed behind anything that text can end in the midst of."""
    late = [(part.lag if part.is_needed else part.late) > 1 for part in parts]
    return [
        part._replace(is_needed=True) if part.looks_on and any(late[:index]) else part
        for index, part in enumerate(parts)
    ]


def _place(of: Any) -> _Part:
    if of in _BEGINNINGS:
        return _Part(left=1, is_needed=True)
    if of in _ENDINGS:
        # `$` holds before a line feed at the end too, so it looks at two.
        return _Part(0, 2 if of is op.AT_END else 1, 0, 2, 2, looks_on=True)
    # \b: where a text ends it may hold at another place than when the text goes on.
    return _Part(0, 1, 1, 1, 1, is_needed=True)
