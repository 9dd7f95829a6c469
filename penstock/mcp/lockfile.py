"""`penstock.mcp.lock`: the tools that somebody has approved, beside gateway.toml and reviewed with it.

It holds whole definitions, not only digests, so that a change of a description shows as a change of words in
the review. The digests that `penstock apply` puts into the control table are made from the definitions.

    {"schema": "penstock.mcp.lock/1", "servers": {"files": {"read_file": {…definition…}}}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from penstock.errors import ConfigurationError
from penstock.mcp.pinning import tool_digest

SCHEMA: Final = "penstock.mcp.lock/1"
NAME: Final = "penstock.mcp.lock"
_MAX_BYTES: Final = 20_000_000

Definitions = Mapping[str, Mapping[str, Any]]
"""Tool → definition."""


def lock_path(gateway_file: Path) -> Path:
    """Where the lock of a gateway.toml is."""
    return gateway_file.parent / NAME


def read_lock(path: Path) -> dict[str, Definitions]:
    """Server → its approved tools; empty when there is no file. Raises ConfigurationError."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(str(path), "cannot be read.") from error
    if len(raw) > _MAX_BYTES:
        raise ConfigurationError(str(path), "is too large for a lock file.", "Is the path right?")
    try:
        tree = json.loads(raw)
        if tree["schema"] != SCHEMA:
            raise ConfigurationError(str(path), "was made by another version.", "Approve the tools again.")
        return {server: _checked(tools) for server, tools in tree["servers"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = "is no lock file of Penstock."
        raise ConfigurationError(str(path), problem, "Write it by `penstock mcp approve`.") from error


def write_lock(path: Path, servers: Mapping[str, Definitions]) -> None:
    """Sorted and indented, so that a review shows what changed and nothing else."""
    kept = {server: dict(tools) for server, tools in servers.items() if tools}
    tree = {"schema": SCHEMA, "servers": kept}
    text = json.dumps(tree, indent=2, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def digests(tools: Definitions) -> dict[str, str]:
    """Tool → what its definition is pinned to."""
    return {name: tool_digest(definition) for name, definition in sorted(tools.items())}


def _checked(tools: Definitions) -> Definitions:
    for name, definition in tools.items():
        if definition["name"] != name:
            raise ValueError(name)
    return tools
