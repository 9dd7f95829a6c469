"""Loads a plugin from its folder: manifest, tree digest, class, configuration; in that order.

The folder is mounted as the package `penstock_plugins.<folder>`, as it is under `/opt/python` in Lambda,
so relative imports inside it work the same everywhere. Nothing is imported before the digest is right, and
nothing but what the digest covers: compiled files in `__pycache__` are neither digested nor read.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.machinery
import importlib.util
import inspect
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
)
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ValidationError

from penstock.errors import ConfigurationError
from penstock.sdk.fields import MOMENTS
from penstock.sdk.manifest import Manifest, read_manifest
from penstock.sdk.plugin import Plugin

NAMESPACE = "penstock_plugins"
CACHE = "__pycache__"


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """A plugin that can run: its manifest, the digest of its tree, its instance and its configuration."""

    manifest: Manifest
    digest: str
    plugin: Plugin
    config: BaseModel


def load_plugin(
    folder: Path, config: dict[str, Any] | None = None, *, digest: str | None = None
) -> LoadedPlugin:
    """Load the plugin in `folder` with `config`; `digest`, when given, must be its tree's.

    Raises ConfigurationError; whatever the plugin's own code raises comes out as it is.
    """
    manifest = read_manifest(folder)
    found = tree_digest(folder)
    if digest is not None and found != digest:
        raise ConfigurationError(
            str(folder), "the files are not the ones that were reviewed.", "Deploy it again."
        )
    kind = load_class(folder, manifest)
    settings = validate_config(kind, manifest.name, config or {})
    plugin = kind()
    plugin.prepare(settings)
    return LoadedPlugin(manifest, found, plugin, settings)


def load_class(folder: Path, manifest: Manifest) -> type[Plugin]:
    """The plugin's class, checked against the manifest's moments. Raises ConfigurationError."""
    module_name, _, class_name = manifest.entry_point.partition(":")
    module = _import(folder, module_name)
    kind = getattr(module, class_name, None)
    if not (isinstance(kind, type) and issubclass(kind, Plugin)):
        raise ConfigurationError(
            f"{folder}/plugin.toml", f"entry_point {manifest.entry_point!r} is no subclass of Plugin."
        )
    _check_methods(kind, f"{folder}/plugin.toml")
    defined = {moment for moment in MOMENTS if getattr(kind, moment) is not getattr(Plugin, moment)}
    declared = set(manifest.moments)
    if defined != declared:
        odd = ", ".join(sorted(defined ^ declared))
        raise ConfigurationError(
            f"{folder}/plugin.toml", f"class and manifest differ in their moments: {odd}."
        )
    _check_config_keys(kind, manifest, f"{folder}/plugin.toml")
    return kind


def _check_config_keys(kind: type[Plugin], manifest: Manifest, where: str) -> None:
    """Refuse `hosts_from` and `values_from` that name what no configuration can hold."""
    known = list(kind.config_model.model_fields)
    for key in manifest.config_keys:
        if key.partition(".")[0] not in known:
            remedy = f"It has {', '.join(known)}." if known else "It has none."
            raise ConfigurationError(where, f"{key!r} is no setting of the plugin's config_model.", remedy)


def _check_methods(kind: type[Plugin], where: str) -> None:
    """Refuse what would fail at every call."""
    for moment in MOMENTS:
        method = getattr(kind, moment)
        if inspect.iscoroutinefunction(method):
            raise ConfigurationError(where, f"{moment} is `async def`.", "Write it as `def`.")
        try:
            inspect.signature(method).bind(None, None, None)
        except TypeError:
            subject = inspect.signature(getattr(Plugin, moment))
            raise ConfigurationError(
                where, f"{moment} does not take {', '.join(subject.parameters)}.", "Give it these parameters."
            ) from None


def validate_config(kind: type[Plugin], name: str, config: dict[str, Any]) -> BaseModel:
    """`config` as the plugin's own model. Raises ConfigurationError that names the key."""
    try:
        return kind.config_model.model_validate(config)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"plugin {name!r}", f"config.{key}: {first['msg']}.") from error


def tree_digest(folder: Path) -> str:
    """SHA-256 over every file's path and bytes, in order of path; compiled files are left out."""
    total = hashlib.sha256()
    for path in _files(folder):
        body = hashlib.sha256(path.read_bytes()).digest()
        total.update(os.fsencode(path.relative_to(folder).as_posix()) + b"\0" + body)
    return "sha256:" + total.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise ConfigurationError(str(path), "is a symbolic link.", "Put the file itself into the plugin.")
        if path.is_file() and CACHE not in path.relative_to(folder).parts:
            yield path


def _import(folder: Path, module_name: str) -> ModuleType:
    place = folder.resolve()  # "." has no name
    package = f"{NAMESPACE}.{place.name}"
    if not place.name.isidentifier():
        raise ConfigurationError(
            str(folder),
            "is no name of a Python package.",
            "Name the folder after the plugin, with `_` for `-`.",
        )
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)
    _mount(NAMESPACE, [])
    _mount(package, [str(place)])
    name = f"{package}.{module_name}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ConfigurationError(
            f"{folder}/plugin.toml", f"entry_point names {module_name!r}, and there is no {module_name}.py."
        ) from None


class _Source(importlib.machinery.SourceFileLoader):
    """Compiles what was digested: a cached file could hold other code under a source that was reviewed."""

    def path_stats(self, path: str) -> Mapping[str, Any]:  # noqa: ARG002  # the loader's signature
        raise OSError("no cache")  # what `SourceLoader.get_code` takes as: neither read nor write one


class _Finder:
    """Finds the modules of mounted plugins, and none by a compiled file alone: nobody else is asked."""

    @staticmethod
    def find_spec(
        name: str, places: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not name.startswith(NAMESPACE + "."):
            return None
        loaders = ((ExtensionFileLoader, EXTENSION_SUFFIXES), (_Source, SOURCE_SUFFIXES))
        for place in places or ():
            spec = FileFinder(place, *loaders).find_spec(name)
            if spec is not None:
                return spec
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _mount(name: str, places: list[str]) -> None:
    """Make `name` a package whose modules are looked up in `places`, unless it is one already."""
    known = sys.modules.get(name)
    if known is not None and (not places or list(known.__path__) == places):
        return
    for loaded in [key for key in sys.modules if key == name or key.startswith(name + ".")]:
        del sys.modules[loaded]
    spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = places
    sys.modules[name] = importlib.util.module_from_spec(spec)
