"""The gateway.toml that is deployed: the one of `-c config=…`, else this folder's, else the example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from penstock.configuration.compile import Compiled, compile_file
from penstock.configuration.deployment import StackOptions
from penstock.configuration.installing import Known
from penstock.configuration.lock import Registered
from penstock.configuration.reading import Source, chosen_file, read_gateway_file
from penstock.configuration.snapshot import Snapshot


@dataclass(frozen=True)
class Chosen:
    """What the stacks are made of: the file, and what it was compiled to."""

    source: Source
    compiled: Compiled

    @property
    def snapshot(self) -> Snapshot:
        return self.compiled.snapshot

    @property
    def options(self) -> StackOptions:
        return self.source.file.deployment

    @property
    def base(self) -> Path:
        """The folder of gateway.toml, beside which the packages of plugins by path have been fetched."""
        return self.source.path.parent

    def place_of(self, plugin: str) -> str:
        """File, line and key of a plugin's stanza, for errors; the file alone when there is none."""
        names = [stanza.name for stanza in self.source.file.plugin]
        if plugin not in names:
            return str(self.source.path)
        return self.source.place(("plugin", names.index(plugin)))

    @cached_property
    def registered(self) -> Mapping[str, Registered]:
        """Plugin → its entry in penstock.lock, of those that are deployed by name."""
        known = self._known
        named = {stanza.name: known.registered_for(stanza) for stanza in self.source.file.plugin}
        return {name: entry for name, entry in named.items() if entry is not None}

    @property
    def plugin_folders(self) -> Mapping[str, Path]:
        """Plugin → where its files are on this machine, of those that are not registered."""
        stanzas = (stanza for stanza in self.source.file.plugin if stanza.name not in self.registered)
        return {stanza.name: self._known.folder(stanza) for stanza in stanzas}

    @cached_property
    def _known(self) -> Known:
        return Known.beside(self.source.path)

    @property
    def provider_secrets(self) -> tuple[str, ...]:
        """Names or ARNs of the secrets that hold providers' keys."""
        return tuple(sorted({provider.secret for provider in self.source.file.provider if provider.secret}))


def chosen_configuration(config: str | None) -> Chosen:
    """Compile and check it: what `penstock plugin review` refuses is not deployed either.

    `config`: a path, relative to the folder of cdk.json, from which the CLI runs the app. Raises
    ConfigurationError.
    """
    source = read_gateway_file(chosen_file(Path(config) if config else None))
    _check_keys(source)
    return Chosen(source, compile_file(source))


def _check_keys(source: Source) -> None:
    """A provider that is deployed has its key: the local gateway may call one that asks for none."""
    for index, provider in enumerate(source.file.provider):
        if provider.auth not in {"none", "aws"} and provider.secret is None:
            problem = f"is missing, and auth = {provider.auth!r} needs it."
            remedy = 'Name the secret in Secrets Manager that holds its key, or write auth = "none".'
            raise source.error(("provider", index, "secret"), problem, remedy)
