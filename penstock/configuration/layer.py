"""What goes into the layer of a plugin, what is refused, and the zip that is published of it.

    python/penstock_plugins/<folder>/…           the plugin's own tree, byte for byte what was reviewed
    python/penstock_plugins/<folder>/_vendor/…   what its requirements.txt brings, for Lambda's platform

Nothing else is in it: no `__init__.py` at the namespace, which would hide the plugins of other layers, and
nothing where Lambda's own import path would find it.
"""

from __future__ import annotations

import hashlib
import io
import stat
import sys
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from penstock.errors import ConfigurationError
from penstock.sdk.tree import VENDOR, Tree, tree_paths

NAMESPACE: Final = "python/penstock_plugins"
MB: Final = 1024 * 1024
# Lambda quotas: a zip that is uploaded directly; a function with all its layers, unpacked.
ZIP_LIMIT_BYTES: Final = 50 * MB
UNPACKED_LIMIT_BYTES: Final = 250 * MB
# Kept free for the core, which takes less; tests/infra/test_asset.py holds it to that.
CORE_BYTES: Final = 50 * MB
DATE: Final = (1980, 1, 1, 0, 0, 0)  # the first that a zip can hold

# What can be imported in the gateway's functions besides Python itself; held to the asset by a test.
CORE: Final = frozenset(
    {"annotated_types", "anyio", "aws_lambda_powertools", "awslambdaric", "boto3", "botocore", "certifi"}
    | {"dateutil", "functions", "h11", "httpcore", "httpx", "idna", "jmespath", "penstock", "pydantic"}
    | {"pydantic_core", "runtime_client", "s3transfer", "simplejson", "six", "snapshot_restore_py"}
    | {"typing_extensions", "typing_inspection", "urllib3"}
)
# Suffix → why no layer holds such a file.
REFUSED: Final[Mapping[str, str]] = {
    ".egg": "is code in a container, which nobody reads",
    ".pickle": "is a pickle, which runs code when it is read",
    ".pkl": "is a pickle, which runs code when it is read",
    ".pth": "is a .pth file, which runs code when Python starts",
    ".pyc": "is compiled, so nobody can have reviewed it",
    ".pyo": "is compiled, so nobody can have reviewed it",
    ".whl": "is code in a container, which nobody reads",
}


@dataclass(frozen=True, slots=True)
class Packed:
    """A zip, and how large it is when Lambda has unpacked it."""

    body: bytes
    unpacked_bytes: int

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


def layer_files(folder: Path, brought: Mapping[str, Path]) -> dict[str, Path]:
    """Path in the layer → file. `brought`: path under `_vendor` → file. Raises ConfigurationError."""
    folder = folder.resolve()
    check_tree(folder)
    check_brought(folder, brought)
    home = f"{NAMESPACE}/{folder.name}"
    files = {f"{home}/{path.relative_to(folder).as_posix()}": path for path in tree_paths(folder)}
    return files | {f"{home}/{VENDOR}/{name}": path for name, path in brought.items()}


def check_tree(folder: Path) -> None:
    """Raises ConfigurationError, with the remedy, for what a plugin's own folder may not hold."""
    if not (folder / "plugin.toml").is_file():
        raise ConfigurationError(str(folder), "is no plugin.", "A plugin is a folder with plugin.toml.")
    if (folder / VENDOR).exists():
        problem = f"is made from requirements.txt, by `penstock plugin fetch {folder.name}`."
        raise ConfigurationError(str(folder / VENDOR), problem, "Take it out of the plugin's folder.")
    for path in sorted(folder.rglob("*")):
        _check_kind(path)
    for path in tree_paths(folder):
        _check_name(path, path.relative_to(folder))


def _check_kind(path: Path) -> None:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise ConfigurationError(str(path), "is a symbolic link.", "Put the file itself into the plugin.")
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ConfigurationError(str(path), "is neither a file nor a folder.", "Take it out.")


def _check_name(path: Path, name: Path) -> None:
    hidden = next((part for part in name.parts if part.startswith(".")), None)
    if hidden is not None:
        remedy = f"Take {hidden} out: a plugin's folder holds what runs, and nothing that a review overlooks."
        raise ConfigurationError(str(path), "is hidden.", remedy)
    if not str(name).isprintable() or not str(name).isascii():
        raise ConfigurationError(
            str(path), "has no plain name.", "Call it by letters, digits, `_`, `-`, `.`."
        )
    refuse_kind(path, str(path))


def refuse_kind(name: Path, where: str) -> None:
    """Raises ConfigurationError for a kind of file that no layer holds."""
    why = REFUSED.get(name.suffix.lower())
    if why is not None:
        raise ConfigurationError(where, f"{why}.", "Take it out, or ship what it was made from.")


def check_brought(folder: Path, brought: Mapping[str, Path]) -> None:
    """Raises ConfigurationError for packages that no layer holds, or that could stand for others."""
    where = f"{folder}/requirements.txt"
    for name in brought:
        refuse_kind(Path(name), f"{where}: {name}")
    tops = {name.partition("/")[0] for name in brought}
    names = {top.partition(".")[0] for top in tops if not top.endswith(".dist-info")}
    refuse_shadows(names, where)


def refuse_shadows(names: Iterable[str], where: str) -> None:
    """Raises ConfigurationError for what would be imported in place of the core or the standard library."""
    shadowing = sorted(set(names) & (CORE | sys.stdlib_module_names | {"penstock_plugins"}))
    if shadowing:
        raise ConfigurationError(
            where,
            f"brings {', '.join(shadowing)}, which the gateway or Python itself has already.",
            "Take it out: a plugin can import what the gateway has.",
        )


def packed(files: Mapping[str, Path], where: str) -> Packed:
    """The zip of a layer: the same files give the same bytes. Raises ConfigurationError when it is too large.

    Sorted names, one date, one mode. The bytes are those of this machine's zlib; what stands for the plugin
    everywhere is the digest of its tree.
    """
    check_names(files)
    unpacked_bytes = sum(path.stat().st_size for path in files.values())
    room = UNPACKED_LIMIT_BYTES - CORE_BYTES
    if unpacked_bytes > room:
        raise _too_large(where, f"unpacks to {_mb(unpacked_bytes)}", f"{_mb(room)} beside the gateway's own")
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, path in sorted(files.items()):
            info = zipfile.ZipInfo(name, DATE)
            info.create_system = 3  # Unix, on every machine
            info.external_attr = 0o100644 << 16
            archive.writestr(info, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    body = sink.getvalue()
    if len(body) > ZIP_LIMIT_BYTES:
        raise _too_large(where, f"has a zip of {_mb(len(body))}", _mb(ZIP_LIMIT_BYTES))
    return Packed(body, unpacked_bytes)


def check_names(names: Iterable[str]) -> None:
    """Raises ConfigurationError for a path that would lie anywhere but in one plugin's own folder."""
    for name in names:
        parts = name.split("/")
        inside = parts[:2] == NAMESPACE.split("/") and len(parts) > 3 and parts[2].isidentifier()
        if not inside or ".." in parts or "" in parts:
            problem = f"{name!r} lies outside of the plugin's folder."
            raise ConfigurationError("the layer", problem, "Take it out: it could shadow what others import.")


def unpack(body: bytes, home: Path) -> None:
    """Lay the layer out under `home`, as Lambda does under `/opt`."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        check_names(archive.namelist())
        for name in archive.namelist():
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(name))


def tree_of(folder: Path, brought: Mapping[str, Path]) -> Tree:
    """The digests of a plugin as its layer holds it."""
    own = Tree.read(folder)
    packages = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in brought.items()}
    return Tree(folder, own.own, packages)


def digests_of(folder: Path) -> tuple[str, str | None]:
    """Of a plugin's folder as it was laid out: its tree's, and its packages'."""
    tree = Tree.read(folder)
    return tree.digest, tree.packages_digest


def _too_large(where: str, problem: str, most: str) -> ConfigurationError:
    remedy = "Make it smaller: fewer packages, data from S3."
    return ConfigurationError(where, f"{problem}, and {most} are the most that Lambda takes.", remedy)


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / MB:.0f} MB"
