"""Environments of the sample function, in a process group that ends with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.dev.environments import Environment, Function
from penstock.dev.pool import Pool
from penstock.dev.processes import ProcessGroup

ROOT = Path(__file__).resolve().parents[2]
MakePool = Callable[..., Pool]


@pytest.fixture(scope="module")
def group() -> Iterator[ProcessGroup]:
    group = ProcessGroup()
    yield group
    group.close()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "function.log"


@pytest.fixture
def make_pool(group: ProcessGroup, log: Path) -> Iterator[MakePool]:
    """Pools of the sample function, warmed up; keyword arguments go to `Function`, `wait_s` to the pool."""
    pools: list[Pool] = []

    def make(*, wait_s: float = 30.0, **options: Any) -> Pool:
        sample = {"name": "sample", "handler": "tests.dev.sample_function.handler", "folder": ROOT}
        function = Function(**{**sample, **options})
        pool = Pool(function, lambda: Environment(function, group, log), wait_s=wait_s)
        pools.append(pool)
        pool.warm_up()
        return pool

    yield make
    for pool in pools:
        pool.close()
