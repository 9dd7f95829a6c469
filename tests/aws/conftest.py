"""The tests' deployment as an account, from the same synthesis as the tests of the stacks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.conftest import assemblies
from tests.infra.template import Assembly

__all__ = ["assemblies", "resources"]


@pytest.fixture(scope="session")
def resources(assemblies: dict[str, Assembly]) -> dict[str, Any]:
    """Logical id → resource, of both stacks."""
    stacks = assemblies["test"].stacks().values()
    found = [resource for stack in stacks for resource in stack.resources.items()]
    assert len(dict(found)) == len(found), "a logical id is in both stacks"
    return dict(found)
