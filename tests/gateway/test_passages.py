from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from penstock.adapters.control import MemoryControlStore
from penstock.adapters.secrets import MemorySecrets
from penstock.configuration.compile import compile_file
from penstock.configuration.reading import parse_gateway_file
from penstock.dialects import ROUTES
from penstock.dialects.opened.route import OPENED
from penstock.gateway.environment import served_mcp
from penstock.gateway.mcp_parts import McpParts
from penstock.gateway.mcp_passage import McpPassage
from penstock.gateway.opened_passage import OpenedPassage
from penstock.gateway.passage import Passage
from penstock.gateway.passages import passage_of
from penstock.governance.directory import Directory

RARE = ("penstock.gateway.mcp_", "penstock.mcp.", "penstock.upstream.mcp", "penstock.gateway.opened_passage")


@pytest.mark.parametrize(
    ("operation", "passage"), [("generate", Passage), ("mcp", McpPassage), (OPENED, OpenedPassage)]
)
def test_each_kind_of_route_has_its_passage(operation: str, passage: type[Passage]) -> None:
    assert passage_of(operation) is passage


def test_every_route_s_operation_is_of_a_passage_that_knows_it() -> None:
    assert {route.operation for route in ROUTES} == {"generate", "list_models", "show_model", "mcp"}


def test_the_gateway_does_not_import_what_its_deployment_may_never_serve() -> None:
    script = "import sys, functions.gateway.handler; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not [name for name in done.stdout.split() if name.startswith(RARE)]


def test_a_deployment_that_serves_mcp_has_its_parts(tmp_path: Path) -> None:
    directory, secrets = Directory(MemoryControlStore()), MemorySecrets({})
    compiled = compile_file(parse_gateway_file(b"", tmp_path / "gateway.toml"))
    snapshot = replace(compiled.snapshot, mcp_origins=("https://a.example",))
    parts = served_mcp(snapshot, directory, secrets)
    assert isinstance(parts, McpParts)
    assert parts.origins == {"https://a.example"}
    assert served_mcp(replace(snapshot, mcp_origins=None), directory, secrets) is None
