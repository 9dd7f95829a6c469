"""Where this repository's source files are, for the tests that hold rules over all of them."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("bench", "examples", "functions", "infra", "penstock", "plugins", "tests", "tools")


def python_files(*folders: str) -> list[Path]:
    """Every Python file under `folders` (all of ours when none is named), as paths relative to the root."""
    found = [path for folder in folders or FOLDERS for path in (ROOT / folder).rglob("*.py")]
    if not folders and (ROOT / "app.py").exists():
        found.append(ROOT / "app.py")
    return sorted(path.relative_to(ROOT) for path in found)


def plugin_folders() -> list[Path]:
    """Every folder that holds a manifest, built-in or example, relative to the root."""
    found = [path for folder in ("plugins", "examples") for path in (ROOT / folder).rglob("plugin.toml")]
    return sorted(path.parent.relative_to(ROOT) for path in found)


def main_module(plugin_folder: Path) -> Path:
    """The module that a plugin's entry point (`module:Class`) names."""
    manifest = tomllib.loads((ROOT / plugin_folder / "plugin.toml").read_text(encoding="utf-8"))
    module, _, _class = str(manifest["entry_point"]).partition(":")
    return plugin_folder / (module.replace(".", "/") + ".py")


def line_count(path: Path) -> int:
    return len((ROOT / path).read_text(encoding="utf-8").splitlines())


def syntax(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), str(path))


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """What a file imports absolutely, as (dotted module, line), inside functions and TYPE_CHECKING too."""
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
