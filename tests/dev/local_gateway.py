"""A local gateway around the sample functions; as a program, one that runs until it is ended.

python -m tests.dev.local_gateway FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from penstock.adapters.clients import Clients
from penstock.adapters.provision import provision
from penstock.dev.gateway import LocalGateway, run
from penstock.dev.options import Options
from penstock.dev.preparation import Prepared

HANDLERS = {
    "gateway": "tests.dev.sample_function.proxy",
    "recorder": "tests.dev.sample_function.consume",
    "plugin-one": "tests.dev.sample_function.consume",
    "sweeper": "tests.dev.sample_function.swept",
    "sealer": "tests.dev.sample_function.sealed",
}


def prepare_samples(options: Options, connect: Callable[[], Clients], echo_url: str) -> Prepared:
    return Prepared(
        resources=provision(connect(), "sample", plugins=("one",)),
        environment={"CONSUMED": str(options.folder.resolve() / "consumed")},
        api_key="pk_sample",
        models=("echo",),
        handlers=HANDLERS,
    )


def sample_options(folder: Path, **options: Any) -> Options:
    given = {"port": 0, "folder": folder, "warm": 1, "maximum": 2, "sweep_every_s": 3600.0}
    return Options(**{**given, **options})


def sample_gateway(folder: Path, **options: Any) -> LocalGateway:
    return LocalGateway(sample_options(folder, **options), tell=lambda _: None, prepare=prepare_samples)


if __name__ == "__main__":
    sys.exit(run(sample_options(Path(sys.argv[1])), prepare_samples))
