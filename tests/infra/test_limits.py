from __future__ import annotations

import pytest

from infra.limits import RESOURCES, refuse_more
from penstock.errors import ConfigurationError


def test_a_stack_of_more_resources_than_cloudformation_takes_is_refused_with_the_count() -> None:
    refuse_more("the stack d-gateway", RESOURCES, 60)
    with pytest.raises(ConfigurationError) as caught:
        refuse_more("the stack d-gateway", RESOURCES + 1, 61)
    assert str(caught.value) == (
        "the stack d-gateway: would have 501 resources with 61 plugins, and 500 are the most. "
        "Run plugins in the gateway's process, or spread them over several deployments."
    )
