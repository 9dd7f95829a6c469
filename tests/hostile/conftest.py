"""One world for all attacks that run in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.aws.conftest import resources
from tests.hostile.world import World, world
from tests.infra.conftest import assemblies

__all__ = ["assemblies", "hostile_world", "resources"]


@pytest.fixture(scope="module")
def hostile_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("hostile")) as running:
        yield running
