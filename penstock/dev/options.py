"""What the local gateway is started with, and where it keeps its things."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from penstock.errors import ConfigurationError

DEFAULT_PORT = 8080
# As many streams at once. One that is in use takes about 60 MB; they are started only when they are needed.
DEFAULT_ENVIRONMENTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Of `penstock dev`; the demo and the end-to-end tests use the same."""

    port: int = DEFAULT_PORT
    """0: any that is free."""
    configuration: Path | None = None
    """gateway.toml; None: the one of this folder, or else the example that comes with Penstock."""
    folder: Path = Path(".penstock")
    fresh: bool = False
    """Throw the state of earlier runs away first."""
    keep: bool = True
    """Save the state for the next run."""
    warm: int = 2
    maximum: int = DEFAULT_ENVIRONMENTS
    """Environments of the gateway's function: always there, at most."""
    sweep_every_s: float = 30.0
    sweep_age_s: float = 120.0
    """How old a request without an outcome is when the sweeper closes it: longer than any can take."""
    seal_every_s: float = 300.0
    """How often the sealer looks for hours that are over: oftener than deployed, since machines sleep."""
    openai_api_key: str | None = None

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def state(self) -> Path:
        return self.folder / "state" / "aws.state"

    @property
    def target(self) -> Path:
        """Tells the command line where the running gateway's AWS is."""
        return self.folder / "local.json"

    @property
    def api_key(self) -> Path:
        """The secret of the local API key: it opens nothing but this gateway, and is to survive a restart."""
        return self.folder / "api-key"

    @property
    def snapshot(self) -> Path:
        return self.folder / "snapshot.json"


@contextlib.contextmanager
def occupied(options: Options) -> Iterator[None]:
    """Have the folder to oneself, with what belongs in it.

    Raises:
        ConfigurationError: another local gateway runs in it.
    """
    options.folder.mkdir(parents=True, exist_ok=True)
    with (options.folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(
                str(options.folder), "is in use by another `penstock dev`.", "End that one, or give --folder."
            ) from error
        _tidy(options)
        try:
            yield
        finally:
            options.target.unlink(missing_ok=True)


def _tidy(options: Options) -> None:
    """Logs begin anew with each run; the rest only if asked."""
    shutil.rmtree(options.logs, ignore_errors=True)
    if options.fresh:
        shutil.rmtree(options.state.parent, ignore_errors=True)
        options.api_key.unlink(missing_ok=True)
    options.logs.mkdir()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
