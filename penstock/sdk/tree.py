"""The files of a plugin, and the digests that stand for them.

A plugin's own tree is all of its folder but `__pycache__` and `_vendor`. What `requirements.txt` brings lies
in `_vendor`, and has a digest of its own: it is made for Lambda's platform, and the tree is the same
everywhere.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from penstock.errors import ConfigurationError

CACHE = "__pycache__"
VENDOR = "_vendor"


@dataclass(frozen=True)
class Tree:
    """What lay in `folder` when it was read: path → SHA-256 in hex."""

    folder: Path
    own: Mapping[str, str]
    packages: Mapping[str, str]
    """Path under `_vendor` → SHA-256."""

    @classmethod
    def read(cls, folder: Path) -> Tree:
        """Raises ConfigurationError for a symbolic link, which could lead to what nobody digested."""
        own: dict[str, str] = {}
        packages: dict[str, str] = {}
        for path in tree_paths(folder):
            name = path.relative_to(folder).as_posix()
            top, _, rest = name.partition("/")
            if top == VENDOR and rest:
                packages[rest] = _hash(path.read_bytes())
            else:
                own[name] = _hash(path.read_bytes())
        return cls(folder, own, packages)

    @property
    def vendor(self) -> Path:
        """Where its packages are."""
        return self.folder / VENDOR

    @cached_property
    def digest(self) -> str:
        """Over every own file's path and bytes."""
        return digest_of(self.own)

    @cached_property
    def packages_digest(self) -> str | None:
        """The same over its packages; None when it brings none."""
        return digest_of(self.packages) if self.packages else None

    @cached_property
    def both(self) -> str:
        """In hex, over all of it: a name for a copy."""
        return _hash(f"{self.digest} {self.packages_digest}".encode())

    @cached_property
    def modules(self) -> dict[str, str]:
        """What can be imported of its packages, by first name → digest of all that belongs to it."""
        return module_digests(self.packages)

    def bytes_of(self, path: Path) -> bytes:
        """What is in a file of it, if that is what was digested. Raises ConfigurationError when it is not."""
        name = path.relative_to(self.folder).as_posix()
        top, _, rest = name.partition("/")
        expected = self.packages.get(rest) if top == VENDOR else self.own.get(name)
        body = path.read_bytes()
        if _hash(body) != expected:
            problem = "is not what it was when the plugin's files were checked."
            raise ConfigurationError(str(path), problem, "Deploy it again.")
        return body


def tree_digest(folder: Path) -> str:
    """SHA-256 over every own file's path and bytes, in order of path; compiled files are left out."""
    return Tree.read(folder).digest


def tree_paths(folder: Path) -> Iterator[Path]:
    """Every file under `folder` but compiled ones, in order of path. Raises ConfigurationError for a link."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise ConfigurationError(str(path), "is a symbolic link.", "Put the file itself into the plugin.")
        if path.is_file() and CACHE not in path.relative_to(folder).parts:
            yield path


def digest_of(files: Mapping[str, str]) -> str:
    """The digest of a tree whose files are these (path → SHA-256 in hex)."""
    total = hashlib.sha256()
    for name in sorted(files, key=lambda name: name.split("/")):
        total.update(os.fsencode(name) + b"\0" + bytes.fromhex(files[name]))
    return "sha256:" + total.hexdigest()


def module_digests(files: Mapping[str, str]) -> dict[str, str]:
    """First name of an import → digest over its files; what describes a package is none."""
    tops: dict[str, dict[str, str]] = {}
    for name, digest in files.items():
        first, _, rest = name.partition("/")
        if not first.endswith((".dist-info", ".libs")):
            tops.setdefault(first if rest else first.partition(".")[0], {})[name] = digest
    return {top: digest_of(found) for top, found in sorted(tops.items())}


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
