"""Puts the files of an asset into a folder, the same every time: equal input gives an equal digest.

The digest is over paths, modes and contents of what was put in. Compiled files are not in it: two releases of
Python 3.13 may write them differently. They are never checked against their sources, whose dates the upload
changes, or each start would compile anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from penstock.errors import ConfigurationError

RUNTIME: Final = (3, 13)
EXECUTABLE: Final = ("penstock/runtime/exec-wrapper",)
DATE_S: Final = 315_532_800  # 1980-01-01: the first that a zip can hold
LIMIT_BYTES: Final = 250 * 1024 * 1024  # of a function and its layers, unpacked (Lambda quotas)

KEPT: Final = (
    24  # of what was staged, besides what is young; one synthesis makes a few, or one for each plugin
)
YOUNG_S: Final = 3600  # a synthesis may be at work with it, or tests

Content = Path | bytes


@dataclass(frozen=True, slots=True)
class Staged:
    """A folder that is ready to be an asset. `compiled`: it holds bytecode for Lambda's Python."""

    folder: Path
    digest: str
    size_bytes: int
    compiled: bool


def stage(files: Mapping[str, Content], home: Path, root: str, compiler: str | None) -> Staged:
    """Stage `files` (path in the asset → content) under `home`; `root`: where Lambda will have them.

    What was staged before is taken as it is: the folder's name is the digest.
    """
    digest = digest_of(files, compiled=compiler is not None)
    folder = home / digest
    if not folder.is_dir():
        home.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(dir=home, prefix="making-"))
        _write(files, making)
        if compiler is not None:
            _compile(making, root, compiler)
        _freeze(making)
        making.rename(folder)
        forget(home, time.time())
    else:
        os.utime(folder, (DATE_S, DATE_S))  # which says that it was needed: see `forget`
    size_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Staged(folder, digest, size_bytes, compiler is not None)


def digest_of(files: Mapping[str, Content], *, compiled: bool) -> str:
    total = hashlib.sha256(b"compiled" if compiled else b"source")
    for name, content in sorted(files.items()):
        body = content if isinstance(content, bytes) else content.read_bytes()
        total.update(f"{name}\0{_mode(name):o}\0".encode() + hashlib.sha256(body).digest())
    return total.hexdigest()


def check_size(what: str, sizes: Mapping[str, int]) -> None:
    """Raises ConfigurationError when a function and its layers would be more than Lambda unpacks."""
    total = sum(sizes.values())
    if total > LIMIT_BYTES:
        parts = ", ".join(f"{name} {size / 2**20:.0f} MB" for name, size in sizes.items())
        remedy = f"It is made of {parts}. Give the largest plugin a function of its own, or make it smaller."
        raise ConfigurationError(what, f"unpacks to {total / 2**20:.0f} MB, and 250 MB are the most.", remedy)


@cache
def compiler() -> str | None:
    """A Python 3.13 of this machine; None when there is none: functions then start a second or two later."""
    return next((path for path in _candidates() if _is_right(path)), None)


def _candidates() -> Iterator[str]:
    if sys.version_info[:2] == RUNTIME:
        yield sys.executable
    if found := shutil.which("python3.13"):
        yield found
    # A version manager leaves a name on the PATH that may not run; what it manages does.
    yield from (str(path) for path in sorted(Path.home().glob(".pyenv/versions/3.13.*/bin/python3.13")))


def _is_right(path: str) -> bool:
    asked = [path, "-I", "-c", f"import sys; sys.exit(sys.version_info[:2] != {RUNTIME})"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0  # noqa: S603 - a Python that is there


def _mode(name: str) -> int:
    return 0o755 if name in EXECUTABLE else 0o644


def _write(files: Mapping[str, Content], folder: Path) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
        path.chmod(_mode(name))


def _compile(folder: Path, root: str, compiler: str) -> None:
    asked = [compiler, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    # What does not compile is not ours to judge: templates in packages, a plugin's odd file.
    subprocess.run([*asked, "-s", str(folder), "-p", root, str(folder)], capture_output=True, check=False)  # noqa: S603 - as above


def forget(home: Path, now_s: float) -> None:
    """Remove what was needed long ago: forty megabytes for each change of the code."""
    needed_s = {path: path.stat().st_ctime for path in home.iterdir()}
    for old in sorted(needed_s, key=lambda path: needed_s[path])[:-KEPT]:
        if needed_s[old] < now_s - YOUNG_S:
            shutil.rmtree(old, ignore_errors=True)


def _freeze(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else path.stat().st_mode & 0o755 | 0o644)
        os.utime(path, (DATE_S, DATE_S))
