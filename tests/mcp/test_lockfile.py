"""The lock file holds what was approved, in a form that a review can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.errors import ConfigurationError
from penstock.mcp.lockfile import digests, lock_path, read_lock, write_lock
from penstock.mcp.pinning import tool_digest

TOOL = {"name": "read", "description": "Reads.", "inputSchema": {"type": "object"}}


def test_what_is_written_is_read_and_pins_to_the_digest_of_the_definition(tmp_path: Path) -> None:
    path = lock_path(tmp_path / "gateway.toml")
    write_lock(path, {"files": {"read": TOOL}, "empty": {}})
    assert read_lock(path) == {"files": {"read": TOOL}}
    assert digests(read_lock(path)["files"]) == {"read": tool_digest(TOOL)}


def test_a_change_is_one_line_of_the_review(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_lock(path, {"files": {"read": TOOL}})
    before = path.read_text().splitlines()
    write_lock(path, {"files": {"read": {**TOOL, "description": "Reads all."}}})
    assert [line for line in path.read_text().splitlines() if line not in before] == [
        '        "description": "Reads all.",'
    ]


def test_no_file_approves_nothing(tmp_path: Path) -> None:
    assert read_lock(tmp_path / "penstock.mcp.lock") == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"schema": "penstock.mcp.lock/2", "servers": {}}',
        '{"schema": "penstock.mcp.lock/1", "servers": {"a": {"x": {"name": "y"}}}}',
        '{"schema": "penstock.mcp.lock/1", "servers": {"a": []}}',
    ],
)
def test_what_is_no_lock_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "penstock.mcp.lock"
    path.write_text(text)
    with pytest.raises(ConfigurationError):
        read_lock(path)
