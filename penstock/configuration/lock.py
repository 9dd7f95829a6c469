"""`penstock.lock`: the plugins that were published as layers, beside gateway.toml and reviewed with it.

Written by `penstock plugin register`. A synthesis reads this file, and nothing else, of a registered plugin:
what its layer is called, what the manifest asks for, which settings it takes, the digests that the loader
holds the layer to. The manifest stands in it line by line, so that a review shows what changed.

    {"schema": "penstock.lock/1", "plugins": {"card-guard": {"layer": "arn:aws:lambda:…:3", "digest": …}}}

The file agrees with itself, or is refused: `digest` is that of `files`, and the manifest is one of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from penstock.configuration.reading import meant
from penstock.errors import ConfigurationError
from penstock.mcp.schema import violation
from penstock.sdk.manifest import Manifest, parse_manifest
from penstock.sdk.steps import FILE, Steps, parse_steps
from penstock.sdk.tree import digest_of

SCHEMA: Final = "penstock.lock/1"
NAME: Final = "penstock.lock"
# Where `penstock plugin register` unpacks what it published, for `penstock dev`; beside the lock.
UNPACKED: Final = Path(".penstock") / "layers"
_MAX_BYTES: Final = 50_000_000

# Lambda API reference, PublishLayerVersion: LayerVersionArn.
LayerArn = Annotated[
    str,
    StringConstraints(pattern=r"^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:layer:[A-Za-z0-9_-]{1,64}:\d{1,9}$"),
]
TreeDigest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Folder = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,63}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Registered(_Strict):
    """One plugin that is a layer."""

    layer: LayerArn
    """ARN of the layer's version."""
    version: str
    """The manifest's."""
    folder: Folder
    """Its package under `penstock_plugins`."""
    digest: TreeDigest
    """Of its own tree."""
    requirements_digest: TreeDigest | None
    """Of `requirements.txt`; None when it has none."""
    packages_digest: TreeDigest | None
    """Of what that brings, as Lambda gets it."""
    modules: dict[str, TreeDigest]
    """First name of an import → digest, of what it brings."""
    zip_sha256: Sha256
    zip_bytes: int
    unpacked_bytes: int
    files: dict[str, Sha256]
    """Path in its own tree → SHA-256."""
    config_schema: dict[str, Any]
    """JSON Schema of its settings, as far as rules are kept without its code."""
    config_defaults: dict[str, Any]
    manifest_lines: tuple[str, ...]
    """`plugin.toml`, line by line."""
    workflow_lines: tuple[str, ...] = ()
    """`workflow.toml`, line by line; none when it has none."""

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        text = self.manifest_text.encode()
        if digest_of(self.files) != self.digest:
            raise ValueError("`digest` is not that of `files`")
        if hashlib.sha256(text).hexdigest() != self.files.get("plugin.toml"):
            raise ValueError("`manifest_lines` are not the plugin.toml of `files`")
        if _digest_of_lines(self.workflow_lines) != self.files.get(FILE):
            raise ValueError(f"`workflow_lines` are not the {FILE} of `files`")
        if requirements_digest(self.files) != self.requirements_digest:
            raise ValueError("`requirements_digest` is not that of `files`")
        if (self.packages_digest is None) != (not self.modules):
            raise ValueError("`packages_digest` and `modules` go together")
        if self.version != self.manifest.version:
            raise ValueError("`version` is not the manifest's")
        return self

    @property
    def manifest_text(self) -> str:
        return "\n".join(self.manifest_lines)

    @cached_property
    def manifest(self) -> Manifest:
        """What it asks for. Raises ConfigurationError."""
        return parse_manifest(self.manifest_text, f"{NAME}: the manifest of the layer {self.layer}")

    @cached_property
    def steps(self) -> Steps | None:
        """Those of its workflow; None when it has none. Raises ConfigurationError."""
        if not self.manifest.workflow:
            return None
        return parse_steps("\n".join(self.workflow_lines), f"{NAME}: the {FILE} of the layer {self.layer}")

    def config_problem(self, config: Mapping[str, Any]) -> str | None:
        """What in `config` the plugin would not take, as far as its schema says; None when nothing is."""
        known = self.config_schema.get("properties", {})
        for key in config:
            if key not in known:
                return f"{key!r} is no setting of the plugin. {meant(key, known)}".rstrip()
        missing = [key for key in self.config_schema.get("required", ()) if key not in config]
        if missing:
            return f"{missing[0]!r} is missing, which the plugin needs."
        found = violation(dict(config), self.config_schema, "config")
        return f"{found} is not what the plugin takes." if found else None

    def unpacked(self, base: Path) -> Path:
        """Where its folder is on a machine that has registered it."""
        return self.laid_out(base) / "python" / "penstock_plugins" / self.folder

    def laid_out(self, base: Path) -> Path:
        """Where its layer is there, as Lambda lays it out under `/opt`: a place for each content."""
        return base / UNPACKED / self.zip_sha256[:32]


def _digest_of_lines(lines: tuple[str, ...]) -> str | None:
    """SHA-256 of a file of these lines; None of no file."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else None


def layer_name(plugin: str) -> str:
    """What a plugin's layer is called."""
    return f"penstock-plugin-{plugin}"


def lock_path(gateway_file: Path) -> Path:
    """Where the lock of a gateway.toml is."""
    return gateway_file.parent / NAME


def local_layers(gateway_file: Path) -> dict[str, Path]:
    """ARN of a registered layer → a folder as it is under `/opt`, of those that were registered here.

    Raises ConfigurationError.
    """
    lock, base = read_lock(lock_path(gateway_file)), gateway_file.parent
    found = {entry.layer: entry.laid_out(base) for entry in lock.values()}
    return {arn: folder for arn, folder in found.items() if folder.is_dir()}


def requirements_digest(files: Mapping[str, str]) -> str | None:
    """The digest of `requirements.txt` among `files`."""
    found = files.get("requirements.txt")
    return None if found is None else f"sha256:{found}"


def read_lock(path: Path) -> dict[str, Registered]:
    """Plugin → its entry; empty when there is no file. Raises ConfigurationError."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(str(path), "cannot be read.") from error
    if len(raw) > _MAX_BYTES:
        raise ConfigurationError(str(path), "is too large for a lock file.", "Is the path right?")
    try:
        tree = json.loads(raw)
        if tree["schema"] != SCHEMA:
            raise ConfigurationError(str(path), "was made by another version.", "Register the plugins again.")
        entries = dict(tree["plugins"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        problem = "is no lock file of Penstock."
        raise ConfigurationError(str(path), problem, "Write it by `penstock plugin register`.") from error
    return {name: _entry(path, name, entry) for name, entry in entries.items()}


def write_lock(path: Path, entries: Mapping[str, Registered]) -> None:
    """Sorted and indented, so that a review shows what changed and nothing else; all of it or nothing."""
    plugins = {name: entry.model_dump(mode="json") for name, entry in entries.items()}
    text = json.dumps({"schema": SCHEMA, "plugins": plugins}, indent=2, sort_keys=True, ensure_ascii=False)
    making = path.with_name(path.name + ".making")
    making.write_text(text + "\n", encoding="utf-8")
    making.replace(path)


def _entry(path: Path, name: str, tree: Any) -> Registered:
    where, remedy = f"{path}: {name}", "Nobody edits this file: run `penstock plugin register` again."
    try:
        entry = Registered.model_validate(tree)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"]))
        message = str(first["msg"]).removeprefix("Value error, ")
        raise ConfigurationError(where, f"{key}: {message}.".removeprefix(": "), remedy) from error
    if entry.manifest.name != name:
        raise ConfigurationError(where, f"its manifest is that of {entry.manifest.name!r}.", remedy)
    return entry
