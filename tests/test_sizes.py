"""The bounds on size. A file that outgrows its bound is two files; a function that does is two functions."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests import tree

FUNCTION_LINES = 60
MODULE_LINES = 400
PLUGIN_LINES = 150  # of a plugin's main module: one sitting for who reviews it
ROOT_ENTRIES = 20

# The first pattern that a path matches gives its bound.
MODULE_BOUNDS = (
    ("app.py", 30),
    ("functions/*/handler.py", 80),
    ("infra/**/*.py", 150),
)


@cache  # for all files of one run
def plugins() -> set[Path]:
    return {tree.main_module(folder) for folder in tree.plugin_folders()}


def module_bound(path: Path) -> int:
    if path in plugins():
        return PLUGIN_LINES
    return next((bound for pattern, bound in MODULE_BOUNDS if path.match(pattern)), MODULE_LINES)


def functions(path: Path) -> Iterator[tuple[str, int, int]]:
    """Each function of a file: its name, its line, and its length in lines, docstring included."""
    for node in ast.walk(tree.syntax(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_function_is_longer_than_its_bound() -> None:
    too_long = [
        f"{path}:{line} {name} has {length} lines, more than {FUNCTION_LINES}"
        for path in tree.python_files()
        for name, line, length in functions(path)
        if length > FUNCTION_LINES
    ]
    assert not too_long, "\n".join(too_long)


def test_no_module_is_longer_than_its_bound() -> None:
    too_long = [
        f"{path} has {lines} lines, more than {bound}"
        for path in tree.python_files()
        if (lines := tree.line_count(path)) > (bound := module_bound(path))
    ]
    assert not too_long, "\n".join(too_long)


def test_the_root_has_no_more_entries_than_its_bound() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=tree.ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout: what belongs to the root cannot be told from what was made in it")
    entries = {line.partition("/")[0] for line in listed.stdout.splitlines()}
    assert len(entries) <= ROOT_ENTRIES, sorted(entries)
