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
from statistics import median
from typing import NamedTuple, TypeVar

Call = Callable[[], object]
Name = TypeVar("Name", bound=Hashable)


class Streamed(NamedTuple):
    """What a call returns that has read a stream: when things came, on `time.perf_counter_ns`."""

    first_byte_ns: int
    first_words_ns: int


@dataclass
class Samples:
    """One row: microseconds of each request."""

    cpu_us: list[float] = field(default_factory=list)
    wall_us: list[float] = field(default_factory=list)
    first_byte_us: list[float] = field(default_factory=list)
    first_words_us: list[float] = field(default_factory=list)
    """Of streams only."""

    def summary(self) -> dict[str, float]:
        """Medians, and the tenth of the requests that were disturbed least."""
        found = {
            "requests": len(self.cpu_us),
            "cpu_us": round(median(self.cpu_us), 1),
            "cpu_p10_us": round(_at(self.cpu_us, 0.1), 1),
            "wall_us": round(median(self.wall_us), 1),
            "wall_p90_us": round(_at(self.wall_us, 0.9), 1),
        }
        if self.first_byte_us:
            found["first_byte_us"] = round(median(self.first_byte_us), 1)
            found["first_byte_p10_us"] = round(_at(self.first_byte_us, 0.1), 1)
            found["first_words_us"] = round(median(self.first_words_us), 1)
        return found


def _at(values: list[float], share: float) -> float:
    """The value below which `share` of all are; one of them, however few they are."""
    return sorted(values)[int(len(values) * share)]


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
        came = call()
        into.wall_us.append((wall_ns() - wall) / 1000)
        into.cpu_us.append((cpu_ns() - cpu) / 1000)
        if isinstance(came, Streamed):
            into.first_byte_us.append((came.first_byte_ns - wall) / 1000)
            into.first_words_us.append((came.first_words_ns - wall) / 1000)
