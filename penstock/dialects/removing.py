"""Taking parts out of a body such that what is left is still a body of its dialect.

A table says for a path what goes with it: a part of a message goes whole, not its `url` alone; the content
of a message becomes empty, it does not go. What the table does not name goes by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

from penstock.dialects.splicing import INSIDE, Drop, Path, Put, Splice

How = Literal["drop", "blank", "null", "empty", "no_arguments", "never"]
"""`empty`: what is there, without what is in it: a string, an array or an object."""

_VALUES: Final[dict[How, object]] = {"blank": "", "null": None, "no_arguments": "{}"}


class Removals:
    """A table of (path without conditions, how), the first that is the place or leads to it counts."""

    __slots__ = ("_table",)

    def __init__(self, table: Sequence[tuple[str, How]]) -> None:
        self._table = tuple((_steps(path), how) for path, how in table)

    def plan(self, tree: Any, places: Iterable[Path]) -> list[Splice]:
        """What takes the strings at `places` out of `tree`. Raises ValueError when one cannot go."""
        plan: dict[Path, How] = {}
        for place in places:
            at, how = self._possible(place)
            plan[at] = how
        self._empty_arrays(tree, plan)
        return [_splice(tree, at, how) for at, how in plan.items() if not _is_below_another(at, plan)]

    def _possible(self, place: Path) -> tuple[Path, How]:
        at, how = self._removal(place)
        if how == "never":
            raise ValueError("the body cannot go on without a part that shall be taken out")
        return at, how

    def _removal(self, place: Path) -> tuple[Path, How]:
        for steps, how in self._table:
            if _leads(steps, place):
                return place[: len(steps)], how
        if place[-1] == INSIDE:  # a string that is a JSON string: the outer one goes
            return self._removal(place[:-1])
        return place, "drop"

    def _empty_arrays(self, tree: Any, plan: dict[Path, How]) -> None:
        """An array all of whose elements go is taken out in their place."""
        dropped: dict[Path, int] = {}
        for at, how in plan.items():
            if how == "drop" and isinstance(at[-1], int) and INSIDE not in at:
                dropped[at[:-1]] = dropped.get(at[:-1], 0) + 1
        for array, count in dropped.items():
            if count == len(_at(tree, array)):
                at, how = self._possible(array)
                plan[at] = how


def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.replace("[*]", ".[*]").split("."))


def _leads(steps: tuple[str, ...], place: Path) -> bool:
    """Whether `place` is at or below `steps`; what is inside of a string is neither."""
    size = len(steps)
    return size <= len(place) and place[size : size + 1] != (INSIDE,) and all(map(_fits, steps, place))


def _fits(step: str, at: str | int) -> bool:
    return step == at or (step == "[*]" and isinstance(at, int) and at != INSIDE)


def _splice(tree: Any, at: Path, how: How) -> Splice:
    if how == "drop":
        return Drop(at)
    return Put(at, type(_at(tree, at))() if how == "empty" else _VALUES[how])


def _is_below_another(at: Path, plan: dict[Path, How]) -> bool:
    return any(at[:length] in plan for length in range(len(at)))


def _at(tree: Any, path: Path) -> Any:
    for step in path:
        tree = tree[step]
    return tree
