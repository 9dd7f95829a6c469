"""In which line of a TOML file a key stands. `tomllib` does not say, and a person wants to know."""

from __future__ import annotations

import re

Path = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_\"'. -]+?)\s*=")
_PART = re.compile(r"\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+)")
_FENCES = ('"""', "'''")


def lines_by_path(text: str) -> dict[Path, int]:
    """Key path (names, and indexes into arrays of tables) → line, from 1.

    Tables and their keys; what stands inside an inline table or a multi-line text is not told apart.
    """
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    fenced = False
    for number, line in enumerate(text.splitlines(), start=1):
        opens = sum(line.count(fence) for fence in _FENCES) % 2 == 1
        if not fenced:
            if header := _HEADER.match(line):
                table = _opened(header[1] == "[[", _parts(header[2]), counts)
                found.setdefault(table, number)
            elif key := _KEY.match(line):
                _note(found, table, _parts(key[1]), number)
        fenced ^= opens
    return found


def line_of(path: Path, lines: dict[Path, int]) -> int | None:
    """The line of `path`, or of the nearest thing around it that has one."""
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), None)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(next(filter(None, match.groups()), "") for match in _PART.finditer(text))


def _opened(is_array: bool, parts: tuple[str, ...], counts: dict[Path, int]) -> Path:
    """The path of a table's header; a name on the way that is an array means its last element."""
    path: Path = ()
    for place, part in enumerate(parts):
        path = (*path, part)
        if is_array and place == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _note(found: dict[Path, int], table: Path, parts: tuple[str, ...], number: int) -> None:
    for end in range(1, len(parts) + 1):
        found.setdefault((*table, *parts[:end]), number)
