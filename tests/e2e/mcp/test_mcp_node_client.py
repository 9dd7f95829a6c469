"""The unmodified TypeScript client of MCP: through the gateway the same as directly."""

from __future__ import annotations

import pytest

from penstock.dev.gateway import LocalGateway
from tests.e2e.mcp.conftest import Library
from tests.e2e.node.clients import node_clients


@pytest.mark.parametrize("server", ["library", "plain"])
def test_a_client_gets_the_same_of_everything_as_directly(
    server: str, gateway: LocalGateway, key: str, library: Library, plain: Library
) -> None:
    upstream = {"library": library, "plain": plain}[server]
    # A server that answers with JSON cannot ask its client, which would wait for as long as the server does.
    asks = server == "library"
    with node_clients() as node:
        directly = node.ask("mcp", upstream.url, None, asks=asks)
        through = node.ask("mcp", f"{gateway.address}/mcp/{server}", key, asks=asks)
    assert through == directly
    assert through["tools"]["tools"]
    if asks:
        assert (len(through["progress"]), len(through["asked"]), len(through["logs"])) == (3, 2, 3)
