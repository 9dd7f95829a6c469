"""A layer of plugins: their files where the loader looks for them, and the packages that they import.

    python/penstock_plugins/<folder>/…    the plugin's own tree, byte for byte what was reviewed
    packages/…                            of uv.lock's group `plugins`, those that one of them imports

No `__init__.py` stands at the namespace, and `packages` is no place where Lambda looks: the function's
PYTHONPATH names it, after the core.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from infra.asset import STAGED, function_files
from infra.packages import LAMBDA, packages
from infra.staging import Content, Staged, compiler, stage
from penstock.errors import ConfigurationError

OPT: Final = "/opt"
PYTHONPATH: Final = "/opt/packages"
NAMESPACE: Final = "python/penstock_plugins"


def plugin_layer(folders: Mapping[str, Path], home: Path = STAGED) -> Staged:
    """Stage a layer of these plugins (name → folder). Raises ConfigurationError."""
    return stage(layer_files(folders), home, OPT, compiler())


def layer_files(folders: Mapping[str, Path], platform: str = LAMBDA) -> dict[str, Content]:
    files: dict[str, Content] = {}
    imported: set[str] = set()
    for folder in folders.values():
        own = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
        files |= {f"{NAMESPACE}/{folder.name}/{name}": path for name, path in own.items()}
        imported |= {name for path in own.values() if path.suffix == ".py" for name in imports(path)}
    brought = {
        name: path for name, path in packages("plugins", platform).items() if _module(name) in imported
    }
    refuse_shadows(frozenset(map(_module, brought)), core_names())
    return files | {f"packages/{name}": path for name, path in brought.items()}


def refuse_shadows(names: frozenset[str], core: frozenset[str]) -> None:
    """Raises ConfigurationError for what would be imported in place of the core or the standard library."""
    shadowing = sorted(names & (core | sys.stdlib_module_names))
    if shadowing:
        raise ConfigurationError(
            "the layer of the plugins",
            f"would bring {', '.join(shadowing)}, which the gateway or Python itself has already.",
            "Take it out of the group `plugins`: a plugin can import what the gateway has.",
        )


def core_names() -> frozenset[str]:
    return frozenset(map(_module, function_files(b"")))


def imports(path: Path) -> Iterator[str]:
    """First names of what a Python file imports absolutely."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def _module(name: str) -> str:
    """What the file of this path belongs to: `phonenumbers/data/x.py` to `phonenumbers`."""
    return name.partition("/")[0].partition(".")[0]


def _files(folder: Path) -> Iterator[Path]:
    """All that the digest of a plugin's tree covers (`penstock.sdk.loading.tree_digest`)."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.relative_to(folder).parts:
            yield path
