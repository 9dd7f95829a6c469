"""The rows that run in this process: the handler with more and more plugins, against the direct call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bench import bodies, measuring, world
from bench.local_aws import LocalAws
from bench.measuring import Call, Samples
from bench.probes import Edit, Look

COUNTS: Final = (0, 1, 5, 10)
EDITING: Final = (1, 5, 10)
BATCH: Final = 10


def memory_rows(size_bytes: int) -> dict[str, Call]:
    """`direct`, `look 0+0` … `look 10+10`, `edit 1+1` …, `pii-redactor`."""
    body, answer = bodies.request(world.MODEL, size_bytes), bodies.completion(size_bytes)
    rows: dict[str, Call] = {"direct": world.World(world.probes(0, Look), answer).direct(body)}
    for kind, counts in ((Look, COUNTS), (Edit, EDITING)):
        for count in counts:
            name = f"{kind.__name__.lower()} {count}+{count}"
            rows[name] = world.World(world.probes(count, kind), answer).call(body)
    return rows | {"pii-redactor": world.World(world.redactor(), answer).call(body)}


def in_memory(rounds: int) -> dict[str, Any]:
    """Every row at every size, interleaved."""
    calls: dict[tuple[int, str], Call] = {
        (size, name): call for size in bodies.SIZES_BYTES for name, call in memory_rows(size).items()
    }
    samples = measuring.interleaved(calls, rounds=rounds, batch=BATCH)
    return {
        str(size): {
            "rows": {name: samples[size, name].summary() for of, name in calls if of == size},
            "derived": derived({name: samples[size, name] for of, name in calls if of == size}),
        }
        for size in bodies.SIZES_BYTES
    }


def derived(rows: Mapping[str, Samples]) -> dict[str, float]:
    """Differences between rows, in µs of CPU time: of medians, and `_p10` of the least disturbed tenth."""
    found: dict[str, float] = {}
    for clock, end in (("cpu_us", ""), ("cpu_p10_us", "_p10")):
        cpu = {name: samples.summary()[clock] for name, samples in rows.items()}
        found |= {
            f"gateway_without_plugins{end}": cpu["look 0+0"] - cpu["direct"],
            f"added_by_5+5{end}": cpu["look 5+5"] - cpu["look 0+0"],
            f"each_further_look{end}": (cpu["look 10+10"] - cpu["look 5+5"]) / 10,
            f"each_further_edit{end}": (cpu["edit 10+10"] - cpu["edit 5+5"]) / 10,
        }
    return {name: round(value, 1) for name, value in found.items()}


def with_boto3(aws: LocalAws, size_bytes: int, rounds: int) -> dict[str, Any]:
    """CPU of a request whose stores are in memory, behind boto3, and whose upstream is behind httpx too."""
    body, answer = bodies.request(world.MODEL, size_bytes), bodies.completion(size_bytes)
    ports: dict[str, dict[str, Any]] = {
        "in memory": {},
        "boto3": aws.ports(with_upstream=False),
        "boto3 and httpx": aws.ports(with_upstream=True),
    }
    calls = {
        name: world.World(world.probes(0, Look), answer, given).call(body) for name, given in ports.items()
    }
    samples = measuring.interleaved(calls, rounds=rounds, batch=BATCH)
    return {name: found.summary() for name, found in samples.items()}
