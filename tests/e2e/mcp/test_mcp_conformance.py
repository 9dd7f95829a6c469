"""MCP's own conformance suite says the same of a server and of the gateway before it."""

from __future__ import annotations

import os
from pathlib import Path

from penstock.dev.gateway import LocalGateway
from tests.e2e.mcp.conftest import Library
from tests.e2e.mcp.suite import PAGE, KeyProxy, run_suite, table, with_table

WRITE = "PENSTOCK_WRITE_CONFORMANCE"
SCENARIOS = 32


def test_the_conformance_suite_finds_the_same_through_the_gateway_as_directly(
    gateway: LocalGateway, proxy: KeyProxy, library: Library, tmp_path: Path
) -> None:
    directly = run_suite(library.url, tmp_path / "directly")
    through = run_suite(f"{proxy.origin}/mcp/everything", tmp_path / "through")
    assert len(directly) == SCENARIOS
    assert through == directly
    page = PAGE.read_text()
    written = with_table(page, table(directly, through))
    if os.environ.get(WRITE):
        PAGE.write_text(written)
    assert PAGE.read_text() == written, "docs/mcp.md says something else: run `make conformance`"
