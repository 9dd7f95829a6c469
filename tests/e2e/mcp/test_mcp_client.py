"""The unmodified client of PyPI's `mcp`: through the gateway the same as directly."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from penstock.dev.gateway import LocalGateway
from tests import tree
from tests.e2e.mcp.conftest import Library
from tests.e2e.mcp.visiting import MODES, visit

OLD_PYTHON = tree.ROOT / ".venv-tools" / "old-mcp" / "bin" / "python"
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
def test_under_the_built_in_guards_a_client_gets_the_same_but_for_what_they_mask(
    mode: str, gateway: LocalGateway, key: str, library: Library
) -> None:
    directly = visit(library.url, None, mode)
    through = visit(f"{gateway.address}/mcp/watched", key, mode)
    (rules,) = directly["rules"]["contents"]
    assert rules["text"].endswith("desk@library.example")
    rules["text"] = rules["text"].replace("desk@library.example", "<email>")
    assert through == directly


@EVERY_MODE
def test_a_server_that_answers_with_json_is_served_alike(
    mode: str, gateway: LocalGateway, key: str, plain: Library
) -> None:
    directly = visit(plain.url, None, mode, asks=False)
    assert visit(f"{gateway.address}/mcp/plain", key, mode, asks=False) == directly


def old_visit(url: str, *key: str) -> Any:
    """Of the client 1.x, which `make` installs beside (tests/e2e/mcp/old_client.txt)."""
    assert OLD_PYTHON.is_file(), "The client mcp 1.x is not installed: run `make test`."
    script = tree.ROOT / "tests" / "e2e" / "mcp" / "old_client.py"
    command = [str(OLD_PYTHON), "-W", "ignore", str(script), url, *key]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_older_client_gets_the_same_of_everything_as_directly(
    gateway: LocalGateway, key: str, library: Library
) -> None:
    directly = old_visit(library.url)
    through = old_visit(f"{gateway.address}/mcp/library", key)
    assert through == directly
    assert (len(through["progress"]), len(through["asked"]), len(through["logs"])) == (3, 2, 3)
