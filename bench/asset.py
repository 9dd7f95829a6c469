"""What is deployed: the synthesised asset and layer of bench/gateway.toml, their sizes, how they run here."""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from penstock.dev.assembly import CloudAssembly
from penstock.dev.environments import Function
from penstock.dev.options import Options
from penstock.dev.stack import SNAPSHOT, Unpacked, runnable

ROOT: Final = Path(__file__).resolve().parent.parent
LIMIT_BYTES: Final = 250 * 1024 * 1024  # a function with its layers, unpacked (Lambda quotas)
# Of a zip that is uploaded with the call; CDK uploads by S3, where only the other limit holds (same page).
DIRECT_LIMIT_BYTES: Final = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Asset:
    """The gateway's function as this machine runs it, by what; sizes by part; seconds of the synthesis."""

    function: Function
    python: str
    sizes: dict[str, dict[str, int]]
    synthesis: dict[str, float]


def synthesised(folder: Path, configuration: Path, environment: Mapping[str, str], snapshot: bytes) -> Asset:
    """Synthesise `configuration`, unpack the gateway of it. Raises RuntimeError when that cannot be done.

    `environment`: said to the function besides the template's. `snapshot`: takes the place of the asset's.
    """
    synthesis = _synthesis(folder / "cdk.out", configuration)
    found = {function.handler: function for function in CloudAssembly(folder / "cdk.out").functions()}
    gateway = found["functions.gateway.handler.handler"]
    unpacked = Unpacked(folder / "unpacked", {SNAPSHOT: snapshot})
    function = runnable(gateway, unpacked, "", Options(), environment)
    for place in {unpacked.task(gateway), unpacked.opt(gateway)}:
        _compile(place, unpacked.python)
    sizes = {"code": size_of(gateway.code), **{f"layer {p.name[:8]}": size_of(p) for p in gateway.layers}}
    return Asset(function, str(unpacked.python), sizes, synthesis)


def size_of(folder: Path) -> dict[str, int]:
    """Bytes unpacked, of which compiled, and as a zip."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(folder))
    return {
        "unpacked": sum(path.stat().st_size for path in files),
        "compiled": sum(path.stat().st_size for path in files if path.suffix == ".pyc"),
        "zip": packed.tell(),
    }


def _synthesis(folder: Path, configuration: Path) -> dict[str, float]:
    """As `python app.py` does it, without CDK's command line; seconds."""
    context = {"config": str(configuration), "aws:cdk:disable-asset-staging": True}
    environment = {**os.environ, "CDK_OUTDIR": str(folder), "CDK_CONTEXT_JSON": json.dumps(context)}
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    run([sys.executable, "app.py"], environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": round(time.monotonic() - began, 1), "cpu_s": round(cpu_s, 1)}


def _compile(folder: Path, python: Path) -> None:
    """For this Python, as the asset is for Lambda's."""
    asked = [
        str(python),
        "-I",
        "-m",
        "compileall",
        "-q",
        "--invalidation-mode",
        "unchecked-hash",
        str(folder),
    ]
    subprocess.run(asked, capture_output=True, check=False)  # noqa: S603 - a Python that is there, as infra/staging.py


def run(command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[Any]:
    """In a fresh process. Raises RuntimeError with its last words."""
    done = subprocess.run(  # noqa: S603 - a bench of ours, no shell
        command, env=dict(environment), cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command} failed: {done.stderr[-2000:]}")
    return done
