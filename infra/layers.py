"""A layer of plugins: their files where the loader looks for them, and the packages that they import.

    python/penstock_plugins/<folder>/…          the plugin's own tree, byte for byte what was reviewed
    python/penstock_plugins/<folder>/_vendor/…  what its requirements.txt brings
    packages/…                                  of uv.lock's group `plugins`, those that one of them imports

No `__init__.py` stands at the namespace, and `packages` is no place where Lambda looks: the function's
PYTHONPATH names it, after the core (docs/adr/0014-layers.md says why it stays).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from infra.asset import STAGED, function_files
from infra.packages import HOST, LAMBDA, packages
from infra.staging import Content, Staged, compiler, stage
from penstock.configuration.layer import layer_files as own_files
from penstock.configuration.layer import refuse_shadows, tree_of
from penstock.configuration.requirements import brought

OPT: Final = "/opt"
PYTHONPATH: Final = "/opt/packages"


def plugin_layer(folders: Mapping[str, Path], home: Path = STAGED, base: Path | None = None) -> Staged:
    """Stage a layer of these plugins (name → folder); `base`: the folder of gateway.toml.

    Raises ConfigurationError.
    """
    return stage(layer_files(folders, base=base), home, OPT, compiler())


def layer_files(
    folders: Mapping[str, Path], platform: str = LAMBDA, base: Path | None = None
) -> dict[str, Content]:
    files: dict[str, Content] = {}
    for folder in folders.values():
        files |= own_files(folder, _brought(folder, base, platform))
        files |= {f"packages/{name}": path for name, path in _shared(folder, base, platform).items()}
    return files


def modules_of(folder: Path, base: Path) -> dict[str, str]:
    """First name of an import → digest, of all that the plugin in `folder` gets besides the core."""
    own = tree_of(folder, _brought(folder, base, LAMBDA)).modules
    return own | tree_of(folder, _shared(folder, base, LAMBDA)).modules


def _brought(folder: Path, base: Path | None, platform: str) -> dict[str, Path]:
    """What its requirements.txt brings."""
    return brought(folder, base or folder.parent, "host" if platform == HOST else "lambda")


def _shared(folder: Path, base: Path | None, platform: str) -> dict[str, Path]:
    """Of the built-in plugins' packages those that it imports, and does not bring itself."""
    modules = tree_of(folder, _brought(folder, base, platform)).modules
    sources = sorted(folder.rglob("*.py"))
    imported = {name for path in sources for name in imports(path)} - modules.keys()
    found = {name: path for name, path in packages("plugins", platform).items() if _module(name) in imported}
    refuse_shadows(map(_module, found), "the group `plugins` of pyproject.toml")
    return found


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
