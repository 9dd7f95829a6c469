"""Puts a function's code and layers on this machine's disk as Lambda would at /var/task and /opt.

What was compiled for Lambda's processor and Python does not run on another: there, each compiled module is
replaced by that of the environment which this runs in, of the same release. All other files are the asset's.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final

from penstock.dev.assembly import StackFunction
from penstock.errors import ConfigurationError

COMPILED: Final = ".so"
ARCHITECTURES: Final = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "AMD64": "x86_64"}
INSTALLED: Final = Path(sysconfig.get_path("platlib"))
SYNC: Final = "Run `make setup`, then `make synth`."


def is_native(function: StackFunction) -> bool:
    """Whether this machine runs what was compiled for the function."""
    here = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return (
        function.runtime == here
        and sys.platform == "linux"
        and ARCHITECTURES.get(platform.machine()) == function.architecture
    )


def unpack(
    folders: Sequence[Path], home: Path, changed: Mapping[str, bytes], *, native: bool
) -> tuple[Path, tuple[str, ...]]:
    """Lay `folders` over each other under `home`; where, and which compiled modules were replaced.

    `changed`: files with other content than the asset's, by their paths in it. What an earlier run has
    unpacked is taken as it is. Raises ConfigurationError when a replacement is not installed here.
    """
    target = home / _name(folders, changed, native=native)
    files = {path.relative_to(folder).as_posix(): path for folder in folders for path in _files(folder)}
    replaced = {} if native else {name: _counterpart(name) for name in files if name.endswith(COMPILED)}
    if replaced:
        _check_releases(folders)
    if not target.is_dir():
        home.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(dir=home))
        for name, path in files.items():
            _place(making, name, path, changed.get(name), replaced.get(name))
        making.rename(target)
    return target, tuple(sorted(_module(name) for name in replaced))


def bare_python(home: Path) -> Path:
    """A Python like this one without any packages: what the asset lacks is found nowhere else."""
    folder = home / f"python-{hashlib.sha256(sys.version.encode()).hexdigest()[:8]}"
    if not (folder / "pyvenv.cfg").is_file():
        venv.EnvBuilder(symlinks=True).create(folder)
    return folder / "bin" / "python"


def _place(folder: Path, name: str, path: Path, content: bytes | None, replacement: Path | None) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if content is not None:
        target.write_bytes(content)
    elif replacement is not None:
        shutil.copy2(replacement, target.with_name(replacement.name))
    else:
        _link(path, target)


def _link(path: Path, target: Path) -> None:
    """A second name costs nothing; across file systems it has to be a copy."""
    try:
        os.link(path, target)
    except OSError:
        shutil.copy2(path, target)


def _counterpart(name: str) -> Path:
    """The module of this environment in the place of the asset's."""
    module = INSTALLED / _module(name)
    for suffix in EXTENSION_SUFFIXES:
        found = module.with_name(module.name + suffix)
        if found.is_file():
            return found
    raise ConfigurationError(f"the compiled module {_module(name)}", "is not installed here.", SYNC)


def _module(name: str) -> str:
    """`pydantic_core/_pydantic_core.cpython-313-aarch64-linux-gnu.so` without what names a platform."""
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}{file.partition('.')[0]}"


def _check_releases(folders: Sequence[Path]) -> None:
    """What is installed here is of the releases in the asset: else it would be another program."""
    for folder in folders:
        for path in folder.rglob("*.dist-info"):
            name, _, release = path.name.removesuffix(".dist-info").partition("-")
            here = _installed(name)
            if here != release:
                problem = f"is {release} in the asset and {here or 'not there'} in this environment."
                raise ConfigurationError(f"the package {name}", problem, SYNC)


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _name(folders: Sequence[Path], changed: Mapping[str, bytes], *, native: bool) -> str:
    """The same for what is the same: assets' names are digests of what they hold."""
    total = hashlib.sha256(f"{native} {sys.version} {INSTALLED}".encode())
    for folder in folders:
        total.update(f"{folder.resolve()} {folder.stat().st_mtime_ns}\0".encode())
    for name, content in sorted(changed.items()):
        total.update(name.encode() + b"\0" + content + b"\0")
    return total.hexdigest()[:16]
