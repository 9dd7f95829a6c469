"""Loads a plugin from its folder: digests, manifest, class, configuration; in that order.

Nothing is imported before the digests are right, and nothing but what they cover (`penstock.sdk.mounting`).
"""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ValidationError

from penstock.errors import ConfigurationError
from penstock.sdk.fields import MOMENTS
from penstock.sdk.manifest import Manifest, parse_manifest, read_manifest
from penstock.sdk.mounting import NAMESPACE, mount
from penstock.sdk.plugin import Plugin
from penstock.sdk.steps import FILE, MANIFEST_KEY, METHOD, Steps, parse_steps, read_steps
from penstock.sdk.tree import Tree, tree_digest

__all__ = [
    "NAMESPACE",
    "LoadedPlugin",
    "load_class",
    "load_plugin",
    "tree_digest",
    "validate_config",
]


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """A plugin that can run: its manifest, the digest of its tree, its instance and its configuration.

    `steps`: those of its workflow, with what the configuration says of them; None when it has none.
    """

    manifest: Manifest
    digest: str
    plugin: Plugin
    config: BaseModel
    steps: Steps | None = None


def load_plugin(
    folder: Path,
    config: dict[str, Any] | None = None,
    *,
    digest: str | None = None,
    packages_digest: str | None = None,
    any_packages: bool = False,
) -> LoadedPlugin:
    """Load the plugin in `folder` with `config`; `digest`, when given, must be its tree's.

    `packages_digest` is then that of the packages that it brings, None when it brings none; they are not
    looked at with `any_packages`, for a machine that is not Lambda. Raises ConfigurationError; whatever the
    plugin's own code raises comes out as it is.
    """
    tree = Tree.read(folder)
    is_other = tree.digest != digest or (tree.packages_digest != packages_digest and not any_packages)
    if digest is not None and is_other:
        raise ConfigurationError(
            str(folder), "the files are not the ones that were reviewed.", "Deploy it again."
        )
    manifest = _manifest(tree)
    steps = _steps(tree, manifest)
    kind = _class(tree, manifest, steps)
    settings = validate_config(kind, manifest.name, config or {})
    if steps is not None:
        steps = steps.filled(settings.model_dump(mode="json"))
    plugin = kind()
    plugin.prepare(settings)
    return LoadedPlugin(manifest, tree.digest, plugin, settings, steps)


def load_class(folder: Path, manifest: Manifest) -> type[Plugin]:
    """The plugin's class, checked against the manifest's moments. Raises ConfigurationError."""
    tree = Tree.read(folder)
    return _class(tree, manifest, _steps(tree, manifest))


def _manifest(tree: Tree) -> Manifest:
    path = tree.folder / "plugin.toml"
    if "plugin.toml" not in tree.own:
        return read_manifest(tree.folder)  # which says what is missing
    try:
        return parse_manifest(tree.bytes_of(path).decode(), str(path))
    except UnicodeDecodeError:
        return read_manifest(tree.folder)  # which says what is wrong


def _steps(tree: Tree, manifest: Manifest) -> Steps | None:
    """The plugin's workflow; None when it has none. Raises ConfigurationError."""
    path = tree.folder / FILE
    if not manifest.workflow:
        if FILE in tree.own:
            remedy = f"Write `{MANIFEST_KEY}` into plugin.toml, or take the file away."
            raise ConfigurationError(str(path), "its plugin.toml knows of no workflow.", remedy)
        return None
    if FILE not in tree.own:
        return read_steps(tree.folder)  # which says what is missing
    try:
        return parse_steps(tree.bytes_of(path).decode(), str(path))
    except UnicodeDecodeError:
        return read_steps(tree.folder)  # which says what is wrong


def _class(tree: Tree, manifest: Manifest, steps: Steps | None) -> type[Plugin]:
    folder = tree.folder
    module_name, _, class_name = manifest.entry_point.partition(":")
    module = _import(tree, module_name)
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
    _check_config_keys(kind, manifest.config_keys, f"{folder}/plugin.toml")
    check_steps(kind, steps, f"{folder}/{FILE}")
    return kind


def check_steps(kind: type[Plugin], steps: Steps | None, where: str) -> None:
    """Refuse a class that has other steps than its workflow."""
    declared = {step.name for step in steps.done} if steps else set[str]()
    defined = {name.removeprefix(METHOD) for name in dir(kind) if name.startswith(METHOD)}
    if declared != defined:
        odd = ", ".join(f"{METHOD}{name}" for name in sorted(declared ^ defined))
        raise ConfigurationError(where, f"class and workflow differ in their steps: {odd}.", _ONE_EACH)
    for name in sorted(declared):
        _check_method(getattr(kind, f"{METHOD}{name}"), f"{METHOD}{name}", "self, run, ctx", where)
    if steps:
        _check_config_keys(kind, steps.config_keys, where)


_ONE_EACH = "Each `do = true` is one method of the class, `step_<name>(self, run, ctx)`."


def _check_config_keys(kind: type[Plugin], keys: tuple[str, ...], where: str) -> None:
    """Refuse `hosts_from`, `values_from` and the like that name what no configuration can hold."""
    known = list(kind.config_model.model_fields)
    for key in keys:
        if key.partition(".")[0] not in known:
            remedy = f"It has {', '.join(known)}." if known else "It has none."
            raise ConfigurationError(where, f"{key!r} is no setting of the plugin's config_model.", remedy)


def _check_methods(kind: type[Plugin], where: str) -> None:
    """Refuse what would fail at every call."""
    for moment in MOMENTS:
        subject = inspect.signature(getattr(Plugin, moment))
        _check_method(getattr(kind, moment), moment, ", ".join(subject.parameters), where)


def _check_method(method: Any, name: str, takes: str, where: str) -> None:
    if inspect.iscoroutinefunction(method):
        raise ConfigurationError(where, f"{name} is `async def`.", "Write it as `def`.")
    try:
        inspect.signature(method).bind(None, None, None)
    except TypeError:
        raise ConfigurationError(
            where, f"{name} does not take {takes}.", "Give it these parameters."
        ) from None


def validate_config(kind: type[Plugin], name: str, config: dict[str, Any]) -> BaseModel:
    """`config` as the plugin's own model. Raises ConfigurationError that names the key."""
    try:
        return kind.config_model.model_validate(config)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"plugin {name!r}", f"config.{key}: {first['msg']}.") from error


def _import(tree: Tree, module_name: str) -> ModuleType:
    name = f"{mount(tree)}.{module_name}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ConfigurationError(
            f"{tree.folder}/plugin.toml",
            f"entry_point names {module_name!r}, and there is no {module_name}.py.",
        ) from None
