"""How long a fresh process takes to its first answer, and which imports it waits for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from statistics import median
from typing import Any, Final

from bench import bodies, world
from bench.local_aws import ROOT, LocalAws

STARTS: Final = 7
SHOWN: Final = 12
BUILD: Final = (
    "from bench.asset import hide; hide(); from functions.gateway.handler import gateway; gateway()"
)


def measured(aws: LocalAws, starts: int = STARTS) -> dict[str, Any]:
    """Medians over `starts` processes; one before them writes the compiled files."""
    body = aws.folder / "request.json"
    body.write_bytes(bodies.request(world.MODEL, 4096))
    _start(aws, str(body))
    runs = [_start(aws, str(body)) for _ in range(starts)]
    stages = {
        stage: {clock: round(median(run[stage][clock] for run in runs), 1) for clock in ("wall_ms", "cpu_ms")}
        for stage in runs[0]
    }
    return {"starts": starts, "stages": stages, "imports_ms": _imports(aws)}


def _start(aws: LocalAws, body: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.first_answer", str(time.monotonic()), aws.secret, body]
    done = _run(command, aws)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _imports(aws: LocalAws) -> dict[str, float]:
    """Milliseconds of import by package, without what it imports from others; the slowest first."""
    command = [sys.executable, "-X", "importtime", "-c", BUILD]
    done = _run(command, aws)
    own_us: defaultdict[str, int] = defaultdict(int)
    for line in done.stderr.splitlines():
        own, _, rest = line.removeprefix("import time:").partition("|")
        if own.strip().isdigit():
            own_us[rest.rpartition("|")[2].strip().partition(".")[0]] += int(own)
    slowest = sorted(own_us.items(), key=lambda item: -item[1])
    shown = {name: round(us / 1000, 1) for name, us in slowest[:SHOWN]}
    return shown | {"all others": round(sum(us for _, us in slowest[SHOWN:]) / 1000, 1)}


def _run(command: list[str], aws: LocalAws) -> subprocess.CompletedProcess[str]:
    """In a fresh process. Raises RuntimeError with its last words."""
    environment = {"PATH": os.environ.get("PATH", ""), **aws.environment()}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if done.returncode:
        raise RuntimeError(f"a start failed: {done.stderr[-2000:]}")
    return done
