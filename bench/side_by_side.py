"""Five independent plugins in functions of their own: do they cost the time of the slowest, or the sum?

Each function is a process of its own on the local Runtime API, started by the Python runtime of Lambda and
called through the local Invoke API. Its plugin waits, as one that asks an outside system does: five that
compute would measure how many cores there are.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from bench import bodies, waiting_function, world
from bench.measuring import Call, interleaved
from bench.probes import watching
from penstock.adapters.clients import Clients, Endpoint
from penstock.adapters.functions import LambdaFunctions
from penstock.dev.environments import Environment, Function
from penstock.dev.lambda_api import LambdaApi
from penstock.dev.pool import Pool
from penstock.dev.processes import ProcessGroup
from penstock.evidence.record import EvidenceRecord
from penstock.gates.function_host import FunctionHost, Hosted

WAITS_MS: Final = {f"waits-{wait_ms}": wait_ms for wait_ms in (60, 70, 80, 90, 100)}
SLOWEST: Final = max(WAITS_MS, key=lambda name: WAITS_MS[name])
PATTERN: Final = "bench-plugin-{plugin}"
SIZE_BYTES: Final = 4096
ROUNDS: Final = 20
NONE: Final = "no plugin"
ALL: Final = "all side by side"
ROOT: Final = Path(__file__).resolve().parent.parent


@contextmanager
def running() -> Iterator[str]:
    """Where the five functions can be invoked, each warm."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as closing:
        group = ProcessGroup()
        closing.callback(group.close)
        pools = {name: _pool(name, group, Path(folder)) for name in WAITS_MS}
        for pool in pools.values():
            closing.callback(pool.close)
        _warm_up(list(pools.values()))
        api = LambdaApi({PATTERN.format(plugin=name): pool.invoke for name, pool in pools.items()})
        api.start()
        closing.callback(api.stop)
        yield api.url


def _pool(name: str, group: ProcessGroup, folder: Path) -> Pool:
    environment = {waiting_function.NAME: name, waiting_function.WAIT_MS: str(WAITS_MS[name])}
    function = Function(
        name=PATTERN.format(plugin=name),
        handler="bench.waiting_function.handler",
        environment=environment,
        folder=ROOT,
        maximum=1,
    )
    return Pool(function, lambda: Environment(function, group, folder / f"{name}.log"))


def _warm_up(pools: Sequence[Pool]) -> None:
    starting = [threading.Thread(target=pool.warm_up) for pool in pools]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join()


def rows(url: str) -> dict[str, Call]:
    """A whole request without a plugin, with each of the five alone, with all."""
    alone = {name: request(url, [name]) for name in WAITS_MS}
    return {NONE: request(url, []), **alone, ALL: request(url, list(WAITS_MS))}


def request(url: str, names: Sequence[str]) -> Call:
    """One request to a gateway with these plugins, which raises RuntimeError when one of them has failed."""
    functions = LambdaFunctions(Clients(Endpoint("eu-west-1", url, "bench", "bench")), PATTERN, 5, 10.0)
    host = FunctionHost(functions, {name: Hosted(waiting_function.TERMS) for name in names})
    placements = [watching(name, order) for order, name in enumerate(names)]
    failed: list[str] = []

    def store(record: EvidenceRecord, _dispatch: Sequence[str]) -> None:
        failed.extend(f"{each.plugin}: {each.failure}" for each in record.placements if each.failure)

    ports = {"function": host, "outbox": store}
    gateway = world.World(({}, placements), bodies.completion(SIZE_BYTES), ports)
    return _unfailing(gateway.call(bodies.request(world.MODEL, SIZE_BYTES)), failed)


def _unfailing(send: Call, failed: Sequence[str]) -> Call:
    """A plugin that breaks at once costs no time, and such a row says nothing."""

    def sent() -> object:
        answer = send()
        if failed:
            raise RuntimeError(f"these plugins did not do their work: {', '.join(failed)}")
        return answer

    return sent


def measured(url: str, rounds: int = ROUNDS) -> dict[str, float]:
    """Wall time of each row in ms, at the median; rows take turns. `ratio`: all over the slowest alone."""
    samples = interleaved(rows(url), rounds=rounds, batch=1)
    found = {name: round(median(sample.wall_us) / 1000, 1) for name, sample in samples.items()}
    return {**found, "sum": round(sum(found[name] for name in WAITS_MS), 1), "ratio": ratio(found)}


def ratio(found: Mapping[str, float]) -> float:
    """What all cost over what the slowest costs by itself; 1 is the aim, and the sum would be 4."""
    return round(found[ALL] / found[SLOWEST], 3)
