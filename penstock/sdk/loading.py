"""Loads a plugin from its folder: manifest, tree digest, class, configuration; in that order.

The folder is mounted as the package `penstock_plugins.<folder>`, as it is under `/opt/python` in Lambda,
so relative imports inside it work the same everywhere. Nothing is imported before the digest is right.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ValidationError

from penstock.errors import ConfigurationError
from penstock.sdk.fields import MOMENTS
from penstock.sdk.manifest import Manifest, read_manifest
from penstock.sdk.plugin import Plugin

NAMESPACE = "penstock_plugins"


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
    defined = {moment for moment in MOMENTS if getattr(kind, moment) is not getattr(Plugin, moment)}
    declared = set(manifest.moments)
    if defined != declared:
        odd = ", ".join(sorted(defined ^ declared))
        raise ConfigurationError(
            f"{folder}/plugin.toml", f"class and manifest differ in their moments: {odd}."
        )
    return kind


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
        total.update(f"{path.relative_to(folder).as_posix()}\0".encode() + body)
    return "sha256:" + total.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise ConfigurationError(str(path), "is a symbolic link.", "Put the file itself into the plugin.")
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def _import(folder: Path, module_name: str) -> ModuleType:
    package = f"{NAMESPACE}.{folder.name}"
    _mount(NAMESPACE, [])
    _mount(package, [str(folder.resolve())])
    return importlib.import_module(f"{package}.{module_name}")


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
