"""Kills and breaks every call of unary and streamed traffic, and compares what comes of it with the table.

python -m tools.faults [WAY …] [--lanes N] [--accept]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.faults.run import Result, broken, lanes, whole
from tests.faults.table import EXPECTED, Table, differences, encoded, expected, page, table
from tests.faults.ways import WAYS, Way

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "faults.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when nothing was violated and the table is as expected."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ways", nargs="*", choices=[[], *(way.name for way in WAYS)], help="only these ways")
    parser.add_argument("--lanes", type=int, default=3, help="deployments side by side")
    parser.add_argument("--accept", action="store_true", help="make what is found the expected table")
    given = parser.parse_args(arguments)
    chosen = [way for way in WAYS if not given.ways or way.name in given.ways]
    began = time.monotonic()
    results, late = run(chosen, given.lanes)
    print(f"{len(results)} scenarios in {time.monotonic() - began:.0f} s")
    return verdict(results, [way.name for way in chosen], late, accept=given.accept)


def run(ways: Sequence[Way], count: int) -> tuple[list[Result], list[str]]:
    """Each way whole, to count its calls, then with each fault at each of them; and what shows at the end."""
    with lanes(count) as running:
        unbroken = running.run(whole(ways))
        more = [
            scenario
            for result in unbroken
            if result.scenario.case is None
            for scenario in broken(result.scenario.way, result.calls)
        ]
        results = unbroken + running.run(more, _Progress(len(more)))
        return results, running.last_look()


def verdict(
    results: Sequence[Result], chosen: Sequence[str], late: Sequence[str] = (), *, accept: bool
) -> int:
    """Say what is violated and what differs; write the page, and what is accepted, when nothing is."""
    found = table(results)
    violations = [
        f"VIOLATED in {result.scenario}: {text}" for result in results for text in result.violations
    ]
    violations += [f"VIOLATED in one of them: {text}" for text in late]
    known: Table = expected()
    if accept and not violations:
        known = {way.name: (known | found)[way.name] for way in WAYS if way.name in known | found}
        EXPECTED.write_text(encoded(known), "utf-8")
    wanted = {name: rows for name, rows in known.items() if name in chosen}
    unlike = list(differences(wanted, found))
    for line in [*violations, *unlike]:
        print(line)
    if violations or unlike:
        print("If the new table is right: make faults ARGS=--accept")
        return 1
    PAGE.write_text(page(expected()), "utf-8")
    return 0


class _Progress:
    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0

    def __call__(self, result: Result) -> None:
        self._done += 1
        if result.violations or self._done % 50 == 0:
            mark = f" {result.scenario}: {'; '.join(result.violations)}" if result.violations else ""
            print(f"{self._done} of {self._total}{mark}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
