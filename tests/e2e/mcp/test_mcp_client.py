"""The unmodified client of PyPI's `mcp`: through the gateway the same as directly."""

from __future__ import annotations

import pytest

from penstock.dev.gateway import LocalGateway
from tests.e2e.mcp.conftest import Library
from tests.e2e.mcp.visiting import MODES, visit

EVERY_MODE = pytest.mark.parametrize("mode", MODES)


@EVERY_MODE
def test_a_client_gets_the_same_of_everything_as_directly(
    mode: str, gateway: LocalGateway, key: str, library: Library
) -> None:
    directly = visit(library.url, None, mode)
    through = visit(f"{gateway.address}/mcp/library", key, mode)
    assert through == directly
    assert len(through["progress"]) == 3
    assert len(through["asked"]) == 2


@EVERY_MODE
def test_a_server_that_answers_with_json_is_served_alike(
    mode: str, gateway: LocalGateway, key: str, plain: Library
) -> None:
    directly = visit(plain.url, None, mode, asks=False)
    assert visit(f"{gateway.address}/mcp/plain", key, mode, asks=False) == directly
