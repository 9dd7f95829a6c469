"""Times several calls against each other in one run, so that what disturbs one disturbs all.

CPU time of this thread, request by request, in rounds that take every row in turn and in changing order.
Medians say what a request costs; ratios and differences between rows of one run hold on a noisy machine,
the numbers themselves only on this one.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import TypeVar

Call = Callable[[], object]
Name = TypeVar("Name", bound=Hashable)


@dataclass
class Samples:
    """One row: microseconds of each request."""

    cpu_us: list[float] = field(default_factory=list)
    wall_us: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, float]:
        """Medians, and the tenth of the requests that were disturbed least."""
        return {
            "requests": len(self.cpu_us),
            "cpu_us": round(median(self.cpu_us), 1),
            "cpu_p10_us": round(quantiles(self.cpu_us, n=10)[0], 1),
            "wall_us": round(median(self.wall_us), 1),
            "wall_p90_us": round(quantiles(self.wall_us, n=10)[8], 1),
        }


def interleaved(calls: Mapping[Name, Call], *, rounds: int, batch: int, seed: int = 1) -> dict[Name, Samples]:
    """`batch` requests in each of `rounds` of every row."""
    samples = {name: Samples() for name in calls}
    order = list(calls)
    shuffle = random.Random(seed).shuffle  # noqa: S311 - an order, no secret
    for call in calls.values():
        for _ in range(batch):
            call()  # caches, and the interpreter's specialisation of the code
    for _ in range(rounds):
        shuffle(order)
        gc.collect()
        for name in order:
            _timed(calls[name], samples[name], batch)
    return samples


def _timed(call: Call, into: Samples, batch: int) -> None:
    cpu_ns, wall_ns = time.thread_time_ns, time.perf_counter_ns
    call()  # what the row before has put out of the processor's caches
    for _ in range(batch):
        cpu, wall = cpu_ns(), wall_ns()
        call()
        into.wall_us.append((wall_ns() - wall) / 1000)
        into.cpu_us.append((cpu_ns() - cpu) / 1000)
