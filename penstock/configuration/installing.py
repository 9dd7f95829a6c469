"""From a `[[plugin]]` stanza to the plugin that it names: a folder here, or an entry of `penstock.lock`.

A folder's code is loaded once, as each environment will load it. What is registered is not here: its
manifest, digests and the schema of its settings are read from the lock, and no network is asked.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.configuration.layer import NAMESPACE, check_brought, layer_files, tree_of
from penstock.configuration.lock import UNPACKED, Registered, lock_path, read_lock
from penstock.configuration.model import PluginStanza
from penstock.configuration.placing import Installed
from penstock.configuration.plugin_source import check_source
from penstock.configuration.reading import Source, meant
from penstock.configuration.requirements import brought
from penstock.errors import ConfigurationError
from penstock.sdk.loading import load_plugin
from penstock.sdk.manifest import Manifest, read_manifest
from penstock.sdk.steps import Steps, read_steps


@dataclass(frozen=True, slots=True)
class Known:
    """Where plugins come from: what is registered, by name, and the folder of the built-in ones."""

    base: Path
    registered: Mapping[str, Registered]
    built_ins: Path

    @classmethod
    def beside(cls, gateway_file: Path, built_ins: Path | None = None) -> Known:
        """For a gateway.toml, whose lock stands beside it. Raises ConfigurationError."""
        base = gateway_file.parent
        return cls(base, read_lock(lock_path(gateway_file)), built_ins or built_in_plugins())

    def names(self) -> list[str]:
        """Of all that a stanza without a path may name."""
        built_in = [path.parent.name.replace("_", "-") for path in self.built_ins.glob("*/plugin.toml")]
        return sorted({*built_in, *self.registered})

    def registered_for(self, stanza: PluginStanza) -> Registered | None:
        """The lock's entry that a stanza means: one without a path, by name."""
        return self.registered.get(stanza.name) if stanza.path is None else None

    def folder(self, stanza: PluginStanza) -> Path:
        """Where the plugin of a stanza that is not registered is written: at its path, or built in."""
        return plugin_folder(stanza, self.base, self.built_ins)

    def runnable(self, stanza: PluginStanza) -> Path:
        """Where it can be loaded from here; of a registered one, where `register` has unpacked it, if it has.

        Raises ConfigurationError when what it brings has not been fetched.
        """
        if (entry := self.registered_for(stanza)) is not None:
            return entry.unpacked(self.base)
        return with_packages(self.folder(stanza), self.base)

    def manifest(self, stanza: PluginStanza) -> Manifest:
        """What it asks for. Raises ConfigurationError."""
        entry = self.registered_for(stanza)
        return entry.manifest if entry is not None else read_manifest(self.folder(stanza))

    def steps(self, stanza: PluginStanza) -> Steps | None:
        """Those of its workflow; None when it has none. Raises ConfigurationError."""
        if (entry := self.registered_for(stanza)) is not None:
            return entry.steps
        return read_steps(self.folder(stanza)) if self.manifest(stanza).workflow else None


def built_in_plugins() -> Path:
    """The folder of the plugins that come with Penstock."""
    return Path(__file__).resolve().parent.parent.parent / "plugins"


def plugin_folder(stanza: PluginStanza, base: Path, built_ins: Path) -> Path:
    """Where the plugin of a stanza is: under its path, or among the built-in ones."""
    if stanza.path is not None:
        return (base / stanza.path).resolve()
    return built_ins / stanza.name.replace("-", "_")


def check_runnable(source: Source) -> None:
    """Raises ConfigurationError for a registered plugin whose files are not on this machine."""
    known = Known.beside(source.path)
    for index, stanza in enumerate(source.file.plugin):
        if known.registered_for(stanza) is not None and not known.runnable(stanza).is_dir():
            problem = "it is registered, and its files are not on this machine."
            remedy = "Run `penstock plugin register` on its folder here, or give its `path`."
            raise source.error(("plugin", index, "name"), problem, remedy)


def install(source: Source, index: int, stanza: PluginStanza, known: Known) -> Installed:
    """The plugin of the stanza at `index`. Raises ConfigurationError with file, line and key."""
    entry = known.registered_for(stanza)
    if entry is not None:
        return _from_lock(source, index, stanza, entry, known)
    folder = known.folder(stanza)
    if not (folder / "plugin.toml").is_file():
        raise _missing(source, index, stanza, folder, known)
    manifest = read_manifest(folder)
    if manifest.name != stanza.name:
        problem = f"the manifest in {folder} is that of {manifest.name!r}."
        raise source.error(("plugin", index, "name"), problem, f'Write name = "{manifest.name}".')
    if not folder.name.isidentifier():
        problem = f"the folder {folder.name!r} cannot be imported."
        remedy = f"Call it {stanza.name.replace('-', '_')!r}."
        raise source.error(("plugin", index, "path"), problem, remedy)
    check_source(folder, manifest)
    try:
        here = with_packages(folder, known.base)
        tree = tree_of(folder, brought(folder, known.base, "lambda"))
    except ConfigurationError as error:
        raise source.error(("plugin", index), str(error)) from error
    digest, config, steps = _loaded(source, index, here, stanza)
    built_in = folder.parent == known.built_ins.resolve()
    return Installed(here, manifest, digest, config, built_in, tree.packages_digest, tree.modules, steps)


def with_packages(folder: Path, base: Path) -> Path:
    """`folder` itself; of a plugin that brings packages, a copy of it with those for this machine.

    Raises ConfigurationError when they have not been fetched, or are such that no layer holds them.
    """
    packages = brought(folder, base, "host")
    if not packages:
        return folder
    check_brought(folder, packages)
    place = base / UNPACKED / f"{tree_of(folder, packages).both[:32]}-here"
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(dir=place.parent, prefix="making-"))
        for name, path in layer_files(folder, packages).items():
            aim = making / name
            aim.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, aim)
        making.rename(place)
    return place / NAMESPACE / folder.name


def _missing(
    source: Source, index: int, stanza: PluginStanza, folder: Path, known: Known
) -> ConfigurationError:
    if stanza.path is not None:
        problem = f"there is no plugin.toml in {folder}."
        return source.error(("plugin", index, "path"), problem, "Is `path` right?")
    problem = f"{stanza.name!r} is neither built in nor in {lock_path(source.path)}."
    remedy = (
        f"{meant(stanza.name, known.names())} Or give its `path`, or run `penstock plugin register FOLDER`."
    )
    return source.error(("plugin", index, "name"), problem, remedy.lstrip())


def _from_lock(
    source: Source, index: int, stanza: PluginStanza, entry: Registered, known: Known
) -> Installed:
    if (plugin_folder(stanza, known.base, known.built_ins) / "plugin.toml").is_file():
        problem = f"{stanza.name!r} is built in, and in {lock_path(source.path)} too."
        raise source.error(("plugin", index, "name"), problem, "Register yours under another name.")
    if found := entry.config_problem(stanza.config):
        raise source.error(("plugin", index, "config"), found, "Its README lists its settings.")
    config = {**entry.config_defaults, **stanza.config}
    here = known.runnable(stanza)
    try:
        steps = entry.steps.filled(config) if entry.steps else None
    except ConfigurationError as error:
        raise source.error(("plugin", index, "config"), str(error)) from error
    packages = entry.packages_digest
    return Installed(here, entry.manifest, entry.digest, config, False, packages, entry.modules, steps)


def _loaded(
    source: Source, index: int, folder: Path, stanza: PluginStanza
) -> tuple[str, Mapping[str, Any], Steps | None]:
    """Load the plugin once, as each environment will: digest, configuration with its defaults, steps."""
    try:
        loaded = load_plugin(folder, stanza.config)
    except ConfigurationError as error:
        raise source.error(("plugin", index, "config"), str(error)) from error
    except Exception as error:  # a plugin's own code may raise anything while it is loaded
        problem = f"its code raised {type(error).__name__} when it was loaded: {error}."
        raise source.error(("plugin", index), problem, "Mend the plugin, or its `config`.") from error
    return loaded.digest, loaded.config.model_dump(mode="json"), loaded.steps
