"""The gateway.toml that is deployed: the one that `-c config=…` names, or the example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from penstock.configuration.compile import Compiled, built_in_plugins, compile_file, plugin_folder
from penstock.configuration.deployment import StackOptions
from penstock.configuration.reading import Source, read_gateway_file
from penstock.configuration.snapshot import Snapshot

EXAMPLE: Final = Path(__file__).resolve().parent.parent / "examples" / "gateway.toml"


@dataclass(frozen=True, slots=True)
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
    def plugin_folders(self) -> Mapping[str, Path]:
        """Plugin → where its files are on this machine."""
        base, home = self.source.path.parent, built_in_plugins()
        return {stanza.name: plugin_folder(stanza, base, home) for stanza in self.source.file.plugin}

    @property
    def provider_secrets(self) -> tuple[str, ...]:
        """Names or ARNs of the secrets that hold providers' keys."""
        return tuple(sorted({provider.secret for provider in self.source.file.provider if provider.secret}))


def chosen_configuration(config: str | None) -> Chosen:
    """Compile and check it: what `penstock plugin review` refuses is not deployed either.

    `config`: a path, relative to the folder of cdk.json, from which the CLI runs the app. Raises
    ConfigurationError.
    """
    source = read_gateway_file(Path(config) if config else EXAMPLE)
    return Chosen(source, compile_file(source))
