"""Goes every way with every fault at every call, on several lanes at once."""

from __future__ import annotations

import contextlib
import queue
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from penstock.adapters.clients import Clients, Endpoint
from penstock.dev.aws import LocalAws
from penstock.dev.environments import REGION
from tests.faults.asks import Case
from tests.faults.lane import Lane
from tests.faults.seam import Fault, kinds_of
from tests.faults.verdict import Court, Row
from tests.faults.ways import Way, go


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fault at one call of a way, or one of its cases; without either, the way as it should be."""

    way: Way
    fault: Fault | None = None
    case: Case | None = None

    def __str__(self) -> str:
        told = f"{self.fault.kind} {self.fault.call}" if self.fault else "no fault"
        return f"{self.way.name}, {self.case.name if self.case else told}"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it. `calls`: those of the way's own invocation."""

    scenario: Scenario
    calls: tuple[str, ...]
    row: Row
    violations: tuple[str, ...]


def whole(ways: Iterable[Way]) -> Iterator[Scenario]:
    """Each way without a fault, whose calls are counted; and each case."""
    for way in ways:
        yield from [Scenario(way, case=case) for case in way.cases] or [Scenario(way)]


def broken(way: Way, calls: Sequence[str]) -> Iterator[Scenario]:
    """Every fault at every one of its calls."""
    begins = way.breaks_from is None
    for number, label in enumerate(calls, 1):
        begins = begins or label.endswith(f" {way.breaks_from}")
        if begins:
            yield from (Scenario(way, Fault(kind, number)) for kind in kinds_of(label))


class Lanes:
    """Some lanes over one AWS. `run` may be called from one thread."""

    def __init__(self, folder: Path, lanes: Sequence[Lane]) -> None:
        self._folder = folder
        self._count = len(lanes)
        self._numbers = iter(range(1_000_000))
        self._courts = [Court(lane) for lane in lanes]
        self._free: queue.SimpleQueue[tuple[Lane, Court]] = queue.SimpleQueue()
        for free in zip(lanes, self._courts, strict=True):
            self._free.put(free)

    def run(
        self, wanted: Iterable[Scenario], done: Callable[[Result], None] = lambda _: None
    ) -> list[Result]:
        """All results, in the order of `wanted`. `done` is told of each as it comes."""
        numbered = [(scenario, self._folder / f"{next(self._numbers)}.calls") for scenario in wanted]
        with ThreadPoolExecutor(self._count) as threads:
            return list(threads.map(lambda pair: self._one(pair[0], pair[1], done), numbered))

    def last_look(self) -> list[str]:
        """What was violated and shows only when all is over."""
        return [text for court in self._courts for text in court.last_look()]

    def _one(self, scenario: Scenario, journal: Path, done: Callable[[Result], None]) -> Result:
        lane, court = self._free.get()
        try:
            answer, calls = go(scenario.way, lane, journal, scenario.fault, scenario.case)
            lane.drain()
            row, violations = court.judge(answer)
        finally:
            self._free.put((lane, court))
        result = Result(scenario, tuple(calls), row, tuple(violations))
        done(result)
        return result


@contextlib.contextmanager
def lanes(count: int) -> Iterator[Lanes]:
    """`count` deployments in an AWS of their own, which outlives every environment."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="penstock-faults-")))
        aws = LocalAws(folder / "aws.log", None)
        stack.callback(aws.stop)
        url = aws.wait()
        # One after another: plugins are read into this process, where they share one package.
        made = [_lane(stack, f"lane{number}", folder, url) for number in range(count)]
        yield Lanes(folder, made)


def _lane(stack: contextlib.ExitStack, name: str, folder: Path, url: str) -> Lane:
    clients = Clients(Endpoint(REGION, url, "local", "local"))
    return stack.enter_context(Lane(name, folder / name, clients))
