"""The table of results: as expected (expected.toml), as found, as shown (docs/faults.md)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from tests.faults.run import Result
from tests.faults.seam import Kind
from tests.faults.ways import WAYS, Way

HEAD: Final = Path(__file__).with_name("page.md")
EXPECTED: Final = Path(__file__).with_name("expected.toml")
WHOLE: Final = "0 no fault"

COLUMNS: Final = ("caller", "upstream", "record", "at least once", "at most once")

Rows = dict[str, str]
"""By call and fault, as "3 dynamodb PutItem: slow"; the way without a fault is `WHOLE`."""
Table = dict[str, Rows]
"""By the name of the way."""


def table(results: Sequence[Result]) -> Table:
    """The results as a table."""
    made: Table = {way.name: {} for way in WAYS}
    for result in results:
        made[result.scenario.way.name][_name(result)] = result.row.text()
    return {name: rows for name, rows in made.items() if rows}


def expected() -> Table:
    """What expected.toml says; nothing when there is none yet."""
    return tomllib.loads(EXPECTED.read_text(encoding="utf-8")) if EXPECTED.exists() else {}


def encoded(rows: Table) -> str:
    """As expected.toml."""
    lines = ["# Written by `make faults ARGS=--accept`.", f"# {' | '.join(COLUMNS)}"]
    for way, cells in rows.items():
        lines += ["", f"[{way}]", *(f'"{name}" = "{text}"' for name, text in cells.items())]
    return "\n".join(lines) + "\n"


def differences(wanted: Table, found: Table) -> Iterator[str]:
    """One line for each row that is not as expected, is new, or is missing."""
    for way in dict.fromkeys([*wanted, *found]):
        old, new = wanted.get(way, {}), found.get(way, {})
        for name in dict.fromkeys([*old, *new]):
            if old.get(name) != new.get(name):
                yield f"{way}: {name}: expected {old.get(name)}, found {new.get(name)}"


def page(rows: Table) -> str:
    """docs/faults.md"""
    ways = {way.name: way for way in WAYS}
    return HEAD.read_text(encoding="utf-8") + "".join(
        _section(ways[name], cells) for name, cells in rows.items()
    )


def _name(result: Result) -> str:
    fault, case = result.scenario.fault, result.scenario.case
    if case is not None:
        return f"{result.scenario.way.cases.index(case) + 1} {case.name}"
    if fault is None:
        return WHOLE
    number = int(fault.call)
    return f"{number} {result.calls[number - 1]}: {_words(fault.kind)}"


def _words(kind: Kind) -> str:
    return kind.value.replace("_", " ")


def _section(way: Way, cells: Mapping[str, str]) -> str:
    """Faults of one call that come to the same share a row."""
    lines = [
        f"\n## {way.title}\n",
        f"| call | fault | {' | '.join(COLUMNS)} |",
        "|---|---|---|---|---|---|---|",
    ]
    split = [(*name.partition(": ")[::2], text) for name, text in cells.items()]
    for call, faults in groupby(split, key=lambda cell: cell[0]):
        results: dict[str, list[str]] = {}
        for _, fault, text in faults:
            results.setdefault(text, []).append(fault)
        for number, (text, named) in enumerate(results.items()):
            lines.append(f"| {call if number == 0 else ''} | {', '.join(named)} | {text} |")
    return "\n".join(lines) + "\n"
