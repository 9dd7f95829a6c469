"""Tries a windowed plugin on texts in pieces before it is deployed: does the same leave as of the whole?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from penstock.configuration.installing import Known
from penstock.configuration.reading import Source
from penstock.errors import ConfigurationError
from penstock.sdk.conformance import stream_problems
from penstock.sdk.manifest import Manifest, read_manifest
from penstock.sdk.testing import harness

REMEDY = "docs/write-a-plugin.md, section 3, says how a plugin meets streams."


def check_plugin_streams(folder: Path, manifest: Manifest, config: Mapping[str, Any] | None = None) -> bool:
    """Whether the plugin in `folder` meets streams in windows: then it was tried, which runs its code.

    Raises ConfigurationError for what is wrong with it, or with `config`.
    """
    asked = manifest.after_upstream
    if asked is None or asked.stream != "window":
        return False
    for problem in stream_problems(harness(folder, config)):
        raise ConfigurationError(f"{folder}/plugin.toml", problem, REMEDY)
    return True


def check_file_streams(source: Source, built_ins: Path | None = None) -> list[str]:
    """The plugins of gateway.toml that meet streams in windows, each tried with its own settings.

    A registered one is tried where its files are: on the machine that has registered it.
    """
    return list(_tried(source, Known.beside(source.path, built_ins)))


def _tried(source: Source, known: Known) -> Iterator[str]:
    for index, stanza in enumerate(source.file.plugin):
        folder = known.runnable(stanza)
        if stanza.grant.after_upstream is None or not folder.is_dir():
            continue
        try:
            if check_plugin_streams(folder, read_manifest(folder), stanza.config):
                yield stanza.name
        except ConfigurationError as error:
            raise source.error(("plugin", index), error.problem, error.remedy) from error
