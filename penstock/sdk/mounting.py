"""Imports plugins from the files that were digested, and from nothing else.

A plugin's folder is mounted as the package `penstock_plugins.<folder>`, as it is under `/opt/python` in
Lambda, so relative imports inside it work the same everywhere. Each module is compiled from bytes that were
read once, and whose digest is the one that was checked: between check and import there is no moment at which
a file could be exchanged. Compiled files in `__pycache__` are neither digested nor read. An extension module
is looked at again just before the system loads it by its path; in Lambda nothing can write there.

    import of                        is answered by
    penstock_plugins.<folder>…       `_Own`, first of all finders
    a package in some `_vendor`      `_Brought`, last of all: what the core or Python has wins
    a part of such a package         `_Own`: the usual finder would read compiled files
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
)
from importlib.metadata import Distribution, DistributionFinder, MetadataPathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from penstock.errors import ConfigurationError
from penstock.sdk.tree import Tree

NAMESPACE = "penstock_plugins"
# What is mounted, by place: a folder of a plugin, or its `_vendor`. The newest is last.
_TREES: dict[str, Tree] = {}


def mount(tree: Tree) -> str:
    """Make the plugin's folder a package, and what it brings importable; the package's name.

    Raises ConfigurationError when the folder's name is no package's.
    """
    place = tree.folder.resolve()  # "." has no name
    if not place.name.isidentifier():
        raise ConfigurationError(
            str(tree.folder),
            "is no name of a Python package.",
            "Name the folder after the plugin, with `_` for `-`.",
        )
    package = f"{NAMESPACE}.{place.name}"
    _find()
    _forget_others(tree)
    for known in (str(place), str(place / tree.vendor.name)):
        _TREES.pop(known, None)
    _TREES[str(place)] = Tree(place, tree.own, tree.packages)
    if tree.packages:
        _TREES[str(place / tree.vendor.name)] = _TREES[str(place)]
    _package(NAMESPACE, [])
    _package(package, [str(place)])
    return package


def _find() -> None:
    if _Own not in sys.meta_path:
        sys.meta_path.insert(0, _Own)
    if _Brought not in sys.meta_path:
        sys.meta_path.append(_Brought)


def _forget_others(tree: Tree) -> None:
    """Another plugin's package of the same name is forgotten, unless it is the same byte for byte.

    Only one process loads plugins that do not go together: the one that compiles gateway.toml.
    """
    for place, other in list(_TREES.items()):
        if not place.endswith(f"/{tree.vendor.name}") or other.folder == tree.folder.resolve():
            continue
        for name, digest in other.modules.items():
            if tree.modules.get(name, digest) != digest:
                _forget(name, place)


def _forget(name: str, place: str) -> None:
    module = sys.modules.get(name)
    if module is not None and str(getattr(module.__spec__, "origin", None)).startswith(place):
        for loaded in [key for key in sys.modules if key == name or key.startswith(name + ".")]:
            del sys.modules[loaded]


class _Source(importlib.machinery.SourceFileLoader):
    """Compiles what was digested: a cached file could hold other code under a source that was reviewed."""

    def path_stats(self, path: str) -> Mapping[str, Any]:  # noqa: ARG002  # the loader's signature
        raise OSError("no cache")  # what `SourceLoader.get_code` takes as: neither read nor write one

    def get_data(self, path: str) -> bytes:
        return _tree_of(path).bytes_of(Path(path))


class _Extension(ExtensionFileLoader):
    """Looks at the file once more before the system loads it."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        _tree_of(self.path).bytes_of(Path(self.path))
        return super().create_module(spec)


_LOADERS = ((_Extension, EXTENSION_SUFFIXES), (_Source, SOURCE_SUFFIXES))


def _tree_of(path: str) -> Tree:
    for place in reversed(_TREES):
        if path.startswith(f"{place}/"):
            return _TREES[place]
    raise ConfigurationError(path, "belongs to no plugin that is mounted.", "Load the plugin again.")


class _Own:
    """Finds the modules of mounted plugins, and none by a compiled file alone: nobody else is asked."""

    @staticmethod
    def find_spec(
        name: str, places: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not name.startswith(NAMESPACE + ".") and not _is_brought(places):
            return None
        spec = _in_places(name, places or ())
        if spec is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return spec


class _Brought:
    """Finds the packages that mounted plugins bring, after everybody else has been asked."""

    @staticmethod
    def find_spec(
        name: str, places: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return _in_places(name, _vendors()) if places is None else None

    @staticmethod
    def find_distributions(context: DistributionFinder.Context | None = None) -> Iterable[Distribution]:
        """What `importlib.metadata.version` asks, which many packages do when they are imported."""
        name = context.name if context else None
        return MetadataPathFinder.find_distributions(
            DistributionFinder.Context(name=name, path=list(_vendors()))
        )


def _vendors() -> tuple[str, ...]:
    return tuple(place for place, tree in reversed(_TREES.items()) if Path(place) != tree.folder)


def _is_brought(places: Sequence[str] | None) -> bool:
    vendors = _vendors() if places else ()
    return any(place.startswith(f"{vendor}/") for place in places or () for vendor in vendors)


def _in_places(name: str, places: Iterable[str]) -> ModuleSpec | None:
    for place in places:
        spec = FileFinder(place, *_LOADERS).find_spec(name)
        if spec is not None:
            return spec
    return None


def _package(name: str, places: list[str]) -> None:
    """Make `name` a package whose modules are looked up in `places`, unless it is one already."""
    known = sys.modules.get(name)
    if known is not None and (not places or list(known.__path__) == places):
        return
    for loaded in [key for key in sys.modules if key == name or key.startswith(name + ".")]:
        del sys.modules[loaded]
    spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = places
    sys.modules[name] = importlib.util.module_from_spec(spec)
