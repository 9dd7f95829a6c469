"""The Python packages that functions and layers bring along, from the folder that `make setup` fills.

They are those of uv.lock, checked by their hashes, as wheels for Lambda's platform: nothing is built here,
and a synthesis needs no network. `.packages/<platform>/<group>` is laid out as an import path.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from penstock.errors import ConfigurationError

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = ROOT / ".packages"
LAMBDA: Final = "lambda"
HOST: Final = "host"  # this machine, to run what was staged

Group = Literal["core", "plugins"]

# What botocore knows of other services is four fifths of it.
SERVICES: Final = ("dynamodb", "lambda", "s3", "secretsmanager", "sesv2", "sqs", "stepfunctions", "sts")
LEFT_OUT_SUFFIXES: Final = (".c", ".h", ".pyc", ".pyi", ".pyx", ".typed")
LEFT_OUT_TOPS: Final = ("bin", ".lock")  # scripts with paths of this machine; what the installer leaves
LEFT_OUT_FOLDERS: Final = ("__pycache__", "tests")
# Kept of a package's metadata: its version, and the licence that must go with it.
METADATA: Final = ("METADATA", "licenses")


def packages(group: Group, platform: str = LAMBDA, home: Path = PACKAGES) -> dict[str, Path]:
    """Path in the import path → file. Raises ConfigurationError when the folder is not that of uv.lock."""
    _check_lock(home)
    folder = home / platform / group
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in found}
    return {name: path for name, path in named.items() if is_needed(name)}


def top_levels(group: Group, platform: str = LAMBDA, home: Path = PACKAGES) -> frozenset[str]:
    """What can be imported from a group: names of packages and modules."""
    return frozenset(_top_levels(packages(group, platform, home)))


def is_needed(name: str) -> bool:
    """Whether a function can have use for the file of this path."""
    parts = name.split("/")
    if parts[0] in LEFT_OUT_TOPS or name.endswith(LEFT_OUT_SUFFIXES) or set(parts) & set(LEFT_OUT_FOLDERS):
        return False
    if parts[0].endswith(".dist-info"):
        return parts[1] in METADATA
    if parts[:2] in (["botocore", "data"], ["boto3", "data"]) and len(parts) > 3:
        return parts[2] in SERVICES
    return parts[:2] != ["boto3", "examples"]


def _top_levels(names: dict[str, Path]) -> Iterator[str]:
    for name in names:
        first, _, rest = name.partition("/")
        if not first.endswith(".dist-info"):
            yield first if rest else first.partition(".")[0]


def _check_lock(home: Path) -> None:
    """The folder holds a copy of the uv.lock that it was filled from."""
    copy = home / "uv.lock"
    if not copy.is_file() or copy.read_bytes() != (ROOT / "uv.lock").read_bytes():
        raise ConfigurationError(
            str(home), "does not hold the packages of uv.lock.", "Run `make setup`; that needs the network."
        )
