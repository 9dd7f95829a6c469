"""What a plugin's `requirements.txt` brings: fetched once, by hash, as wheels for Lambda and this machine.

    <folder of gateway.toml>/.penstock/packages/<digest of requirements.txt>/lambda/…
                                                                            /host/…

Fetching needs the network and is a command of its own; a synthesis takes what is there, or says what to run.
Every package is named, those that others need too: nothing is resolved here, so nothing can be slipped in.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from penstock.errors import ConfigurationError
from penstock.sdk.tree import CACHE

NAME: Final = "requirements.txt"
FETCHED: Final = Path(".penstock") / "packages"
Platform = Literal["lambda", "host"]
ALWAYS: Final = ("--only-binary", ":all:", "--require-hashes", "--no-deps", "--quiet")
# Lambda's Python 3.13 on arm64 (Amazon Linux 2023, glibc 2.34), as pip and as uv say it.
PIP_ON_LAMBDA: Final = (
    *("--platform", "manylinux_2_28_aarch64", "--platform", "manylinux2014_aarch64"),
    *("--implementation", "cp", "--python-version", "3.13"),
)
UV_ON_LAMBDA: Final = ("--python-platform", "aarch64-manylinux_2_28", "--python-version", "3.13")
# Where `make setup` puts uv in a checkout, which need not be on the PATH.
TOOLS: Final = Path(__file__).resolve().parent.parent.parent / ".venv-tools" / "bin"
# Kept of a package's metadata: its version, and the licence that must go with it.
_METADATA: Final = ("METADATA", "licenses")
_LEFT_OUT: Final = ("bin", CACHE)
_REQUIREMENT: Final = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.+!]+( *;[^#\\]+)?( +--hash=sha256:[0-9a-f]{64})+"
)
_REMEDY: Final = "Write name==version --hash=sha256:…, as `uv pip compile --generate-hashes` does."

Runner = Callable[[Sequence[str]], int]
"""Runs a command; its exit status."""


def brought(folder: Path, base: Path, platform: Platform) -> dict[str, Path]:
    """Path under `_vendor` → file; empty without a requirements.txt.

    `base`: the folder of gateway.toml. Raises ConfigurationError when they have not been fetched.
    """
    place = fetched_place(folder, base)
    if place is None:
        return {}
    home = place / platform
    if not home.is_dir():
        problem = "what it names has not been fetched here."
        remedy = f"Run `penstock plugin fetch {folder}`; that needs the network."
        raise ConfigurationError(str(folder / NAME), problem, remedy)
    found = {path.relative_to(home).as_posix(): path for path in sorted(home.rglob("*")) if path.is_file()}
    return {name: path for name, path in found.items() if is_needed(name)}


def fetched_place(folder: Path, base: Path) -> Path | None:
    """Where what a plugin's requirements.txt names lies when it has been fetched; None without the file."""
    path = folder / NAME
    if not path.is_file():
        return None
    raw = path.read_bytes()
    check_requirements(raw, str(path))
    return base / FETCHED / hashlib.sha256(raw).hexdigest()[:32]


def fetch(folder: Path, base: Path, run: Runner | None = None, uv: str | None = None) -> Path | None:
    """Fetch what is not here yet, by `uv`, or else by pip; where it lies. Raises ConfigurationError."""
    place = fetched_place(folder, base)
    if place is None or place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=place.parent, prefix="making-"))
    try:
        platforms: tuple[Platform, ...] = ("lambda", "host")
        for platform in platforms:
            target = ("--target", str(making / platform), "--requirement", str(folder / NAME))
            if (run or _run)([*install_command(platform, uv), *target]) != 0:
                problem = f"its packages could not be fetched for {platform}."
                remedy = "Above stands why: no wheel for arm64 and Python 3.13, a wrong hash, no network."
                raise ConfigurationError(str(folder / NAME), problem, remedy)
            (making / platform).mkdir(exist_ok=True)
        making.rename(place)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return place


def install_command(platform: Platform, uv: str | None) -> list[str]:
    """Installs nothing but wheels whose hashes are given, for `platform`."""
    flags: tuple[str, ...] = ()
    if uv is None:
        flags = PIP_ON_LAMBDA if platform == "lambda" else ()
        return [sys.executable, "-m", "pip", "install", "--no-compile", *ALWAYS, *flags]
    flags = UV_ON_LAMBDA if platform == "lambda" else ()
    return [uv, "pip", "install", "--python", sys.executable, "--link-mode", "copy", *ALWAYS, *flags]


def find_uv() -> str | None:
    """uv, when it is on the PATH or in this checkout."""
    return shutil.which("uv") or shutil.which("uv", path=str(TOOLS))


def check_requirements(raw: bytes, where: str) -> None:
    """Raises ConfigurationError unless every line pins one package to a version and to hashes."""
    text = raw.decode("utf-8", "replace").replace("\\\n", " ")
    for line in text.splitlines():
        said = line.partition(" #")[0].strip()
        if said and not said.startswith("#") and not _REQUIREMENT.fullmatch(said):
            raise ConfigurationError(where, f"{said[:60]!r} is not pinned by version and hash.", _REMEDY)


def is_needed(name: str) -> bool:
    """Whether a plugin can have use for the file of this path, of an installed package."""
    parts = name.split("/")
    if set(parts) & set(_LEFT_OUT) or name.endswith((".pyc", ".lock")):
        return False
    return parts[1] in _METADATA if parts[0].endswith(".dist-info") and len(parts) > 1 else True


def check_together(plugins: Mapping[str, Mapping[str, str]], where: Callable[[str], str]) -> None:
    """Raises ConfigurationError when plugins of one process bring the same package in two versions.

    `plugins`: plugin → first name of an import → digest. `where`: a plugin's place, for the message.
    """
    first: dict[str, str] = {}
    for plugin, modules in plugins.items():
        for module, digest in modules.items():
            other = first.setdefault(module, plugin)
            if plugins[other][module] != digest:
                problem = f"brings another {module!r} than {other!r}, and a process can have only one."
                remedy = 'Give one of them host = "function", or pin the same version in both.'
                raise ConfigurationError(where(plugin), problem, remedy)


def _run(arguments: Sequence[str]) -> int:
    return subprocess.run(arguments, check=False).returncode  # noqa: S603  # uv or pip, no shell
