"""`make bench`: one run, its tables on the screen and in bench/results/."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench import doors, handler, local_aws, side_by_side, startup, streams
from bench.report import markdown

RESULTS: Final = Path(__file__).resolve().parent / "results"
ROUNDS: Final = 30
STREAMS: Final = 4  # a stream takes as long as hundreds of requests: so many fewer rounds of them


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often every row is taken in turn")
    parser.add_argument("--starts", type=int, default=startup.STARTS, help="how many cold starts")
    parser.add_argument("--no-write", action="store_true", help="only show the tables")
    parser.add_argument("--side-by-side", action="store_true", help="only five plugins in their functions")
    options = parser.parse_args()
    if options.side_by_side:
        result, suffix = beside(options.rounds), "-side-by-side"
    else:
        result, suffix = run(options.rounds, options.starts), ""
    text = markdown(result)
    sys.stdout.write(text)
    if not options.no_write:
        RESULTS.mkdir(exist_ok=True)
        name = RESULTS / f"{result['date']}-{result['commit']}{suffix}"
        name.with_suffix(".md").write_text(text, encoding="utf-8")
        name.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def run(rounds: int, starts: int) -> dict[str, Any]:
    """Everything that is measured, with what it was measured on."""
    found: dict[str, Any] = {
        **_where(),
        "handler": handler.in_memory(rounds),
        "doors": doors.measured(rounds),
        "streams": streams.in_memory(max(2, rounds // STREAMS)),
    }
    with local_aws.running(4096) as aws:
        found["adapters"] = handler.with_boto3(aws, 4096, rounds)
        found["paced"] = streams.over_http(aws, max(2, rounds // STREAMS * 2))
        found["startup"] = startup.measured(aws, starts)
    return {**found, "side_by_side": beside(rounds)["side_by_side"]}


def beside(rounds: int) -> dict[str, Any]:
    """The one row that needs five functions as processes."""
    where = _where()
    with side_by_side.running() as url:
        load = round(os.getloadavg()[0], 1)
        return {**where, "side_by_side": {"load": load, **side_by_side.measured(url, rounds)}}


def _where() -> dict[str, Any]:
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": _commit(),
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load": round(os.getloadavg()[0], 1),
        },
    }


def _commit() -> str:
    """The commit that is checked out; with `-changed` when a file that is measured differs from it."""
    short = _git("rev-parse", "--short", "HEAD")
    changed = _git("status", "--porcelain", "--", "bench/*.py", "functions", "penstock", "plugins")
    return short + ("-changed" if changed else "")


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    root = RESULTS.parent.parent
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    return done.stdout.strip()


if __name__ == "__main__":
    main()
