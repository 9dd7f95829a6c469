"""`penstock plugin check` and `review`: is it as it must be, and what may it do?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.cli.output import print_json, print_table, show
from penstock.errors import ConfigurationError

if TYPE_CHECKING:
    from penstock.configuration.model import PluginStanza
    from penstock.sdk.manifest import Manifest
    from penstock.sdk.plugin import Plugin
    from penstock.sdk.steps import Steps


def check(args: argparse.Namespace) -> None:
    if args.path is None:
        _check_config(args)
        return
    from penstock.configuration.installing import with_packages
    from penstock.configuration.layer import check_tree
    from penstock.configuration.plugin_source import check_source
    from penstock.sdk.loading import load_class, tree_digest
    from penstock.sdk.manifest import read_manifest
    from penstock.sdk.steps import read_steps

    manifest = read_manifest(args.path)
    check_tree(args.path)
    check_source(args.path, manifest)
    here = with_packages(args.path, args.config.parent if args.config else Path())
    kind = load_class(here, manifest)
    facts = {
        "plugin": manifest.name,
        "version": manifest.version,
        "digest": tree_digest(args.path),
        "moments": list(manifest.moments),
        "steps": [step.name for step in read_steps(args.path).step] if manifest.workflow else [],
        "settings": list(kind.config_model.model_fields),
        "windows": _windows(here, manifest, kind),
    }
    show(facts, as_json=args.json)


def _windows(folder: Path, manifest: Manifest, kind: type[Plugin]) -> str:
    """What came of trying it on streams in pieces, where it can be tried without its settings."""
    from penstock.configuration.stream_check import check_plugin_streams
    from penstock.sdk.loading import validate_config

    try:
        validate_config(kind, manifest.name, {})
    except ConfigurationError:
        return "not tried: it needs settings (penstock plugin check --config)"
    return "tried on texts in pieces" if check_plugin_streams(folder, manifest) else "none"


def _check_config(args: argparse.Namespace) -> None:
    from penstock.configuration.compile import compile_file
    from penstock.configuration.reading import chosen_file, read_gateway_file
    from penstock.configuration.stream_check import check_file_streams

    path = chosen_file(args.config)
    source = read_gateway_file(path)
    compiled = compile_file(source)
    facts = {
        "file": str(path),
        "snapshot": compiled.snapshot.digest,
        "plugins": list(compiled.snapshot.plugins),
        "windows": check_file_streams(source),
        "warnings": list(compiled.warnings),
    }
    show(facts, as_json=args.json)


def review(args: argparse.Namespace) -> None:
    from penstock.configuration.review import review as reviewed
    from penstock.sdk.manifest import read_manifest
    from penstock.sdk.steps import read_steps

    folder = Path(args.plugin)
    if (folder / "plugin.toml").is_file():
        manifest: Manifest = read_manifest(folder)
        stanza: PluginStanza | None = None
        steps = read_steps(folder) if manifest.workflow else None
    else:
        manifest, stanza, steps = _installed(args)
    found = reviewed(manifest, stanza, steps)
    if args.json:
        answers = {"answers": dict(found.answers), "placements": list(found.placements)}
        print_json({"plugin": manifest.name, **answers, "risk": found.response_path})
        return
    what = "is given" if stanza else "asks for"
    print_table(f"What {manifest.name} {manifest.version} {what}", ("question", "answer"), found.answers)
    print(*found.placements, found.response_path, sep="\n")


def _installed(args: argparse.Namespace) -> tuple[Manifest, PluginStanza | None, Steps | None]:
    """Manifest, stanza and steps of the plugin that gateway.toml, or else Penstock, calls `args.plugin`."""
    from penstock.configuration.installing import Known
    from penstock.configuration.model import PluginStanza as Stanza
    from penstock.configuration.reading import chosen_file, meant, read_gateway_file

    source = read_gateway_file(chosen_file(args.config))
    known = Known.beside(source.path)
    for stanza in source.file.plugin:
        if stanza.name == args.plugin:
            return known.manifest(stanza), stanza, known.steps(stanza)
    if args.plugin in known.names():
        asked_for = Stanza(name=args.plugin)
        return known.manifest(asked_for), None, known.steps(asked_for)
    problem = f"is neither in {source.path}, nor built in or registered, nor a folder."
    remedy = meant(args.plugin, [*known.names(), *(stanza.name for stanza in source.file.plugin)])
    raise ConfigurationError(f"plugin {args.plugin!r}", problem, remedy)
