"""How long the real asset takes from a process's start to its first answer, and what it imports for it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench import asset, bodies, world
from bench.asset import Asset
from bench.first_answer import event_of
from bench.local_aws import LocalAws
from penstock.dev.invocation import Ended, Exchange, Failed, Invocation, Lost
from penstock.dev.runtime_api import RuntimeApi
from penstock.ids import uuid7

STARTS: Final = 7
SHOWN: Final = 12
IN_LAMBDA: Final = "on the Runtime API"
SCRIPT: Final = Path(__file__).with_name("first_answer.py")
PATIENCE_S: Final = 60.0


def measured(aws: LocalAws, starts: int = STARTS) -> dict[str, Any]:
    """Of `starts` processes of each kind, in turn; one before them fills the disk's caches."""
    body = aws.folder / "request.json"
    body.write_bytes(bodies.request(world.MODEL, 4096))
    with tempfile.TemporaryDirectory() as name:
        snapshot = (aws.folder / "snapshot.json").read_bytes()
        made = asset.synthesised(Path(name), world.CONFIGURATION, told(aws), snapshot)
        start(made, aws, body)
        runs = [start(made, aws, body) for _ in range(starts)]
        imports = imports_ms(made)
    stages = {stage: _summary([run[stage] for run in runs]) for stage in runs[0]}
    sizes = {"sizes": made.sizes, "synthesis": made.synthesis}
    return {"starts": starts, "stages": stages, "imports_ms": imports, **sizes}


def _summary(times: list[dict[str, float]]) -> dict[str, float]:
    middle = {clock: round(median(time[clock] for time in times), 1) for clock in ("wall_ms", "cpu_ms")}
    return {**middle, "least_cpu_ms": round(min(time["cpu_ms"] for time in times), 1)}


def told(aws: LocalAws) -> dict[str, str]:
    """What differs from the template: where AWS is. Where the asset lies, `asset` says."""
    ours = aws.environment()
    return {name: value for name, value in ours.items() if not name.endswith(("_SNAPSHOT", "_PLUGIN_ROOTS"))}


def start(made: Asset, aws: LocalAws, body: Path) -> dict[str, Any]:
    """Milliseconds by stage: of a process that tells its stages, then of one that runs as in Lambda."""
    command = [made.python, "-P", str(SCRIPT), str(time.monotonic()), aws.secret, str(body)]
    done = asset.run(command, _environment(made))
    stages: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**stages, IN_LAMBDA: _as_in_lambda(made, aws.secret, body.read_text(encoding="utf-8"))}


def imports_ms(made: Asset) -> dict[str, float]:
    """Milliseconds of import by package, without what it imports from others; the slowest first."""
    command = [made.python, "-X", "importtime", "-c", "import functions.gateway.handler"]
    own_us: defaultdict[str, int] = defaultdict(int)
    for line in asset.run(command, _environment(made)).stderr.splitlines():
        own, _, rest = line.removeprefix("import time:").partition("|")
        if own.strip().isdigit():
            own_us[rest.rpartition("|")[2].strip().partition(".")[0]] += int(own)
    slowest = sorted(own_us.items(), key=lambda item: -item[1])
    shown = {name: round(us / 1000, 1) for name, us in slowest[:SHOWN]}
    return shown | {"all others": round(sum(us for _, us in slowest[SHOWN:]) / 1000, 1)}


def _as_in_lambda(made: Asset, secret: str, body: str) -> dict[str, float]:
    """The exec wrapper, our runtime, one invocation; then the process is ended, and what it used is read."""
    api, began = RuntimeApi(), time.monotonic()
    api.start()
    environment = {**_environment(made), "AWS_LAMBDA_RUNTIME_API": api.address}
    environment["PYTHONPATH"] = made.function.environment["PYTHONPATH"]
    with subprocess.Popen(  # noqa: S603 - the asset just made, no shell
        made.function.command, env=environment, cwd=made.function.folder, stdout=-3, stderr=-3
    ) as process:
        try:
            _invoke(api, json.dumps(event_of(secret, body)).encode())
            wall_ms = (time.monotonic() - began) * 1000
        finally:
            process.kill()
            used = os.wait4(process.pid, 0)[2]
            process.returncode = 0  # it has been waited for
            api.stop()
    return {"wall_ms": round(wall_ms, 1), "cpu_ms": round((used.ru_utime + used.ru_stime) * 1000, 1)}


def _invoke(api: RuntimeApi, event: bytes) -> None:
    deadline_ms = int((time.time() + PATIENCE_S) * 1000)
    exchange = Exchange(Invocation(uuid7(), event, deadline_ms, "arn:aws:lambda:::bench", "Root=1"))
    api.hand_over(exchange)
    answer = b""
    while not isinstance(part := exchange.take(PATIENCE_S), Ended):
        if part is None or isinstance(part, Failed | Lost):
            raise RuntimeError(f"the function did not answer: {part}")
        answer += part if isinstance(part, bytes) else b""
    if b'"statusCode": 200' not in answer and b'"statusCode":200' not in answer:
        raise RuntimeError(f"the gateway answered otherwise than it should: {answer[:400]!r}")


def _environment(made: Asset) -> dict[str, str]:
    """With the path that penstock/runtime/exec-wrapper makes."""
    own = made.function.environment
    path = os.pathsep.join([str(made.function.folder), own["PYTHONPATH"]])
    lambda_s = {"LAMBDA_TASK_ROOT": str(made.function.folder), "_HANDLER": made.function.handler}
    return {"PATH": os.environ.get("PATH", ""), **lambda_s, **own, "PYTHONPATH": path}
