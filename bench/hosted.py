"""What a plugin in a function of its own costs the gateway, against a bare invocation of an empty function.

`python -m bench.hosted` starts the local Lambda in a process of its own, and prints what it found. CPU time
is that of the whole process, since the call is made in a thread; the least disturbed tenth counts.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from bench import bodies, world
from bench.measuring import Call
from bench.probes import Look
from penstock.adapters.clients import Clients, Endpoint
from penstock.adapters.functions import LambdaFunctions
from penstock.dev.invocation import Returned
from penstock.dev.lambda_api import LambdaApi
from penstock.dev.processes import announce_port, wait_for_parent_to_end
from penstock.gates.function_host import FunctionHost, Hosted
from penstock.gates.host import Answer
from penstock.gates.hosted_answer import encode_answer
from penstock.sdk import Allow
from penstock.sdk.fields import BEFORE
from penstock.sdk.projection import Projection, TextValues

PLUGIN: Final = "probe-0"
EMPTY: Final = "bench-plugin-empty"
TERMS: Final = {BEFORE: "sha256:" + "0" * 64}
ROUNDS: Final = 30
BATCH: Final = 10


def serve() -> None:
    """The local Lambda with two functions that do nothing: one returns nothing, one allows."""
    api = LambdaApi({EMPTY: lambda _: Returned(b"{}"), f"bench-plugin-{PLUGIN}": _allow})
    api.start()
    announce_port(int(api.url.rpartition(":")[2]))
    wait_for_parent_to_end()
    api.stop()


def _allow(event: bytes) -> Returned:
    _, placements = world.probes(1, Look)
    return Returned(
        json.dumps(encode_answer(placements[0], json.loads(event)["request_id"], Answer(Allow()))).encode()
    )


@contextmanager
def running() -> Iterator[str]:
    """Its address."""
    command = [sys.executable, "-m", "bench.hosted", "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:  # noqa: S603 - itself
        assert server.stdout is not None and server.stdin is not None  # noqa: S101, PT018 - pipes; for the type checker
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        server.stdin.close()


def rows(url: str, size_bytes: int) -> dict[str, Call]:
    """A request without a plugin, with one in the gateway's process, with one in a function; a bare call."""
    clients = Clients(Endpoint("eu-west-1", url, "bench", "bench"))
    functions = LambdaFunctions(clients, "bench-plugin-{plugin}", 1, 5.0)
    host = FunctionHost(functions, {PLUGIN: Hosted(TERMS)})
    body, answer = bodies.request(world.MODEL, size_bytes), bodies.completion(size_bytes)
    loaded, placements = world.probes(1, Look)
    before = [placement for placement in placements if placement.moment == BEFORE]
    distant = [replace(placement, host="function") for placement in before]
    client: Any = clients.functions(5.0, 1)

    seen = Projection({name: TextValues(("x" * (size_bytes // 3),)) for name in distant[0].reads})

    def bare() -> bytes:
        return bytes(client.invoke(FunctionName=EMPTY, Payload=b"{}")["Payload"].read())

    return {
        "no plugin": world.World((loaded, []), answer).call(body),
        "in process": world.World((loaded, before), answer).call(body),
        "in a function": world.World((loaded, distant), answer, {"function": host}).call(body),
        "host alone": lambda: host.call(distant[0], seen, "0" * 36, 5.0),
        "bare invocation": bare,
    }


def measured(calls: dict[str, Call], rounds: int = ROUNDS) -> dict[str, float]:
    """CPU of the process for each row, in µs: the value below which a tenth of all are; rows take turns."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 1):
        gc.collect()
        for name, call in calls.items():
            took = [_cpu_us(call) for _ in range(BATCH)]
            found[name] += took if number else []
    return {name: round(sorted(values)[len(values) // 10], 1) for name, values in found.items()}


def _cpu_us(call: Call) -> float:
    before = time.process_time_ns()
    call()
    return (time.process_time_ns() - before) / 1000


def added_us(row: dict[str, float]) -> float:
    """What the host adds to a bare call: encoding, the hop to a thread and back, decoding, checking."""
    return round(row["host alone"] - row["bare invocation"], 1)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.hosted", description=__doc__)
    parser.add_argument("--serve", action="store_true", help="be the local Lambda")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    if options.serve:
        serve()
        return
    with running() as url:
        for size in bodies.SIZES_BYTES:
            row = measured(rows(url, size), options.rounds)
            told = ", ".join(f"{name} {value:,.0f}" for name, value in row.items())
            sys.stdout.write(f"{size:,} bytes, CPU in µs: {told}; the host adds {added_us(row):,.0f}\n")


if __name__ == "__main__":
    main()
