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
from tests.faults.lane import Lane
from tests.faults.seam import Fault, Kind
from tests.faults.verdict import Court, Row
from tests.faults.ways import Way, go


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fault at one call of a way; without a fault, the way as it should be, whose calls are counted."""

    way: Way
    fault: Fault | None = None

    def __str__(self) -> str:
        return f"{self.way.name}, {f'{self.fault.kind} {self.fault.call}' if self.fault else 'no fault'}"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it. `calls`: those of the way's own invocation."""

    scenario: Scenario
    calls: tuple[str, ...]
    row: Row
    violations: tuple[str, ...]


def scenarios(way: Way, calls: Sequence[str]) -> Iterator[Scenario]:
    """Every fault at every one of its calls."""
    for number in range(1, len(calls) + 1):
        yield from (Scenario(way, Fault(kind, number)) for kind in Kind)


class Lanes:
    """Some lanes over one AWS. `run` may be called from one thread."""

    def __init__(self, folder: Path, lanes: Sequence[Lane]) -> None:
        self._folder = folder
        self._count = len(lanes)
        self._numbers = iter(range(1_000_000))
        self._free: queue.SimpleQueue[tuple[Lane, Court]] = queue.SimpleQueue()
        for lane in lanes:
            self._free.put((lane, Court(lane)))

    def run(
        self, wanted: Iterable[Scenario], done: Callable[[Result], None] = lambda _: None
    ) -> list[Result]:
        """All results, in the order of `wanted`. `done` is told of each as it comes."""
        numbered = [(scenario, self._folder / f"{next(self._numbers)}.calls") for scenario in wanted]
        with ThreadPoolExecutor(self._count) as threads:
            return list(threads.map(lambda pair: self._one(pair[0], pair[1], done), numbered))

    def _one(self, scenario: Scenario, journal: Path, done: Callable[[Result], None]) -> Result:
        lane, court = self._free.get()
        try:
            answer, calls = go(scenario.way, lane, journal, scenario.fault)
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
