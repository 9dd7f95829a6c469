"""Makes a plugin's folder ready to be a layer: every check, its zip, and its entry in `penstock.lock`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python

from penstock.configuration.installing import built_in_plugins, with_packages
from penstock.configuration.layer import Packed, layer_files, packed, tree_of
from penstock.configuration.lock import Registered, layer_name, requirements_digest
from penstock.configuration.plugin_source import check_source
from penstock.configuration.requirements import brought
from penstock.errors import ConfigurationError
from penstock.mcp.schema import problem
from penstock.sdk.loading import load_class
from penstock.sdk.manifest import Manifest, read_manifest
from penstock.sdk.steps import FILE
from penstock.sdk.tree import Tree

MAX_DEPTH: Final = 12
# What rules without a plugin's code are made of: the keywords of penstock.mcp.schema.
_KEPT: Final = (
    *("type", "enum", "const", "required", "pattern", "minLength", "maxLength", "minItems", "maxItems"),
    *("minProperties", "maxProperties", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
)


@dataclass(frozen=True, slots=True)
class Built:
    """A plugin that may be published. `tree`: as its layer holds it."""

    manifest: Manifest
    tree: Tree
    zip: Packed
    settings: type[BaseModel]

    @property
    def layer_name(self) -> str:
        return layer_name(self.manifest.name)

    def is_in(self, entry: Registered | None) -> bool:
        """Whether that entry's layer holds the same, byte for byte."""
        return entry is not None and (entry.digest, entry.packages_digest) == (
            self.tree.digest,
            self.tree.packages_digest,
        )

    def entry(self, arn: str) -> Registered:
        """For the lock, when it has been published."""
        text = self.tree.bytes_of(self.tree.folder / "plugin.toml").decode()
        return Registered(
            layer=arn,
            version=self.manifest.version,
            folder=self.tree.folder.name,
            digest=self.tree.digest,
            requirements_digest=requirements_digest(self.tree.own),
            packages_digest=self.tree.packages_digest,
            modules=self.tree.modules,
            zip_sha256=self.zip.sha256,
            zip_bytes=len(self.zip.body),
            unpacked_bytes=self.zip.unpacked_bytes,
            files=dict(self.tree.own),
            config_schema=settings_schema(self.settings),
            config_defaults=settings_defaults(self.settings),
            manifest_lines=tuple(text.split("\n")),
            workflow_lines=self._workflow_lines(),
        )

    def _workflow_lines(self) -> tuple[str, ...]:
        if not self.manifest.workflow:
            return ()
        return tuple(self.tree.bytes_of(self.tree.folder / FILE).decode().split("\n"))


def build(folder: Path, base: Path, built_ins: Path | None = None) -> Built:
    """Check the plugin in `folder`, load it once, pack it. Raises ConfigurationError.

    `base`: the folder of gateway.toml, beside which its packages have been fetched.
    """
    folder = folder.resolve()
    manifest = read_manifest(folder)
    if ((built_ins or built_in_plugins()) / manifest.name.replace("-", "_") / "plugin.toml").is_file():
        problem = f"{manifest.name!r} is the name of a built-in plugin."
        raise ConfigurationError(str(folder / "plugin.toml"), problem, "Give yours another name.")
    packages = brought(folder, base, "lambda")
    files = layer_files(folder, packages)
    check_source(folder, manifest)
    settings = load_class(with_packages(folder, base), manifest).config_model
    return Built(manifest, tree_of(folder, packages), packed(files, str(folder)), settings)


def stanza(manifest: Manifest, settings: Mapping[str, Any]) -> str:
    """To paste into gateway.toml: all that the manifest asks for, in shadow. `settings`: their schema."""
    return "\n".join(_stanza_lines(manifest, settings)) + "\n"


def _stanza_lines(manifest: Manifest, settings: Mapping[str, Any]) -> Iterator[str]:
    yield "[[plugin]]"
    yield f'name = "{manifest.name}"'
    yield 'mode = "shadow"'
    if needed := settings.get("required"):
        yield f"config = {{ }}  # it needs {', '.join(needed)}"
    if manifest.secrets:
        places = ", ".join(f'{name} = "{manifest.name}/{name}"' for name in manifest.secrets)
        yield f"secrets = {{ {places} }}"
    whole = {"hosts": manifest.hosts, "secrets": manifest.secrets}
    if any((*whole.values(), manifest.storage, manifest.email, manifest.exports)):
        yield from ("", "[plugin.grant]", *_lists(whole))
    if manifest.storage:
        yield "storage = true"
    if manifest.exports:
        yield "exports = true"
    if manifest.email:
        yield '# email = { from = "bot@acme.example", to = ["*@acme.example"] }  # it asks for e-mail: whose?'
    for moment, asked in manifest.moments.items():
        yield from ("", f"[plugin.grant.{moment}]")
        yield from _lists({"reads": asked.reads, "writes": asked.writes, "effects": asked.effects})


def _lists(named: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    yield from (f"{name} = {json.dumps(list(values))}" for name, values in named.items() if values)


def settings_schema(model: type[BaseModel]) -> dict[str, Any]:
    """What settings it takes, in the part of JSON Schema that can be held without the plugin's code."""
    whole = model.model_json_schema()
    found = _reduced(whole, whole.get("$defs", {}), 0)
    if isinstance(found, dict) and problem(found) is None:
        return found
    names = dict.fromkeys(model.model_fields, True)
    needed = [name for name, field in model.model_fields.items() if field.is_required()]
    return {"type": "object", "properties": names, "required": needed}


def settings_defaults(model: type[BaseModel]) -> dict[str, Any]:
    """Setting → its value when nobody gives one, of those that have one."""
    values = {
        name: field.get_default(call_default_factory=True) for name, field in model.model_fields.items()
    }
    return {
        name: to_jsonable_python(value) for name, value in values.items() if value is not PydanticUndefined
    }


def _reduced(schema: Any, shared: Mapping[str, Any], depth: int) -> Any:
    """The schema without what is not held, references put in place; what nests too deep allows all."""
    if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
        return schema if isinstance(schema, bool) else True
    if (name := str(schema.get("$ref", "")).removeprefix("#/$defs/")) in shared:
        return _reduced(shared[name], shared, depth + 1)
    kept: dict[str, Any] = {name: schema[name] for name in _KEPT if name in schema}
    if "properties" in schema:
        inner = schema["properties"].items()
        kept["properties"] = {name: _reduced(value, shared, depth + 1) for name, value in inner}
    for key in ("items", "additionalProperties"):
        if key in schema:
            kept[key] = _reduced(schema[key], shared, depth + 1)
    # What is left of two schemas may be equal: then `oneOf` would refuse what the plugin takes.
    for key, kept_as in (("anyOf", "anyOf"), ("oneOf", "anyOf"), ("allOf", "allOf")):
        if key in schema:
            kept[kept_as] = [_reduced(value, shared, depth + 1) for value in schema[key]]
    return kept
