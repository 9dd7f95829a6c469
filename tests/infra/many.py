"""Configurations with many plugins, written by a test: by path, registered, in the background."""

from __future__ import annotations

from pathlib import Path

from tests.cli.gateways import BACKGROUND, BACKGROUND_SOURCE, BACKGROUND_STANZA
from tests.configuration import files
from tests.configuration.registered import register

DEPLOYMENT = '[deployment]\nname = "{}"\n'
REGISTERED = '[[plugin]]\nname = "{}"\nhost = "in_process"\n'


def named(text: str, name: str) -> str:
    return text.replace('name = "guard"', f'name = "{name}"').replace('name = "export"', f'name = "{name}"')


def by_path(base: Path, name: str) -> str:
    """The stanza of a plugin of the gateway's process."""
    folder = name.replace("-", "_")
    files.plugin(base, named(files.MANIFEST, name), name=folder)
    return named(files.STANZA, name).replace('path = "guard"', f'path = "{folder}"') + files.GRANT


def background(base: Path, name: str) -> str:
    """The stanza of a plugin with a queue and a function of its own."""
    folder = name.replace("-", "_")
    files.plugin(base, named(BACKGROUND, name), BACKGROUND_SOURCE, name=folder, module="export")
    return named(BACKGROUND_STANZA, name).replace('path = "export"', f'path = "{folder}"')


def registered(base: Path, name: str) -> str:
    """The stanza of a plugin by name: its folder is somewhere else, and called after it."""
    folder = name.replace("-", "_")
    made = files.plugin(base / "elsewhere", named(files.MANIFEST, name), name=folder)
    register(base, folder=made)
    return REGISTERED.format(name) + files.GRANT


def write(base: Path, deployment: str, *stanzas: str) -> Path:
    path = base / "gateway.toml"
    path.write_text(DEPLOYMENT.format(deployment) + "\n".join(stanzas), encoding="utf-8")
    return path
