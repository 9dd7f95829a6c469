"""A plugin that has been registered, as tests of what reads `penstock.lock` need it."""

from __future__ import annotations

from pathlib import Path

from penstock.configuration.lock import NAME, Registered, read_lock, write_lock
from penstock.configuration.registering import Built, build
from tests.configuration import files

ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:penstock-plugin-{}:3"
STANZA = '[[plugin]]\nname = "guard"\nhost = "in_process"\n'


def built(base: Path, manifest: str = files.MANIFEST, source: str = files.SOURCE) -> Built:
    """From a folder that is not beside gateway.toml: who deploys has only the lock."""
    return build(files.plugin(base / "elsewhere", manifest, source), base, base / "built_in")


def register(
    base: Path, manifest: str = files.MANIFEST, source: str = files.SOURCE, folder: Path | None = None
) -> Registered:
    """Written to the lock in `base`, beside what is there."""
    made = built(base, manifest, source) if folder is None else build(folder, base, base / "built_in")
    entry = made.entry(ARN.format(made.manifest.name))
    write_lock(base / NAME, {**read_lock(base / NAME), made.manifest.name: entry})
    return entry
