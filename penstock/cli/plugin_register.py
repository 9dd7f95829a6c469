"""`penstock plugin fetch` and `register`: from a folder to a layer and its entry in `penstock.lock`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.cli.output import print_facts, print_json, show

if TYPE_CHECKING:
    from penstock.adapters.layers import Layers
    from penstock.configuration.lock import Registered
    from penstock.configuration.registering import Built


def fetch(args: argparse.Namespace) -> None:
    """Fetch the packages of one plugin, once for each requirements.txt."""
    from penstock.configuration.requirements import fetch as fetched
    from penstock.configuration.requirements import find_uv

    place = fetched(args.path, args.config.parent, uv=find_uv())
    show({"plugin": str(args.path), "packages": str(place) if place else "none"}, as_json=args.json)


def register(args: argparse.Namespace) -> None:
    """Check, build and publish it, unless its layer is there already; write the lock; print the stanza."""
    from penstock.configuration.lock import lock_path, read_lock, write_lock
    from penstock.configuration.registering import build
    from penstock.configuration.requirements import fetch as fetched
    from penstock.configuration.requirements import find_uv

    base, path = args.config.parent, lock_path(args.config)
    lock = read_lock(path)
    _tell(args, f"1/3 checking and building {args.path}")
    fetched(args.path, base, uv=find_uv())
    built = build(args.path, base)
    known = lock.get(built.manifest.name)
    if built.is_in(known) and _is_there(args, known):
        _keep(built, known, base)
        _show(args, built, known, "registered already: nothing was published")
    elif args.dry_run:
        _show(args, built, None, "dry run: nothing was published")
    else:
        entry = _published(args, built)
        _tell(args, f"3/3 writing {path}")
        write_lock(path, {**lock, built.manifest.name: entry})
        _keep(built, entry, base)
        _show(args, built, entry, "registered")


def _is_there(args: argparse.Namespace, entry: Registered | None) -> bool:
    """Whether its layer is in the region that was named, if one was: Lambda takes none of another region."""
    return entry is not None and args.region in {None, entry.layer.split(":")[3]}


def _published(args: argparse.Namespace, built: Built) -> Registered:
    megabytes = len(built.zip.body) / 2**20
    _tell(args, f"2/3 publishing {built.layer_name} ({megabytes:.1f} MB)")
    description = f"{built.manifest.name} {built.manifest.version} {built.tree.digest}"
    return built.entry(layers(args).publish(built.layer_name, built.zip.body, description).arn)


def layers(args: argparse.Namespace) -> Layers:
    """Where it is published: the account of the environment's credentials, or a local gateway's AWS."""
    from penstock.adapters.clients import Endpoint
    from penstock.adapters.layers import LambdaLayers
    from penstock.cli.target import find_target

    if args.folder is not None:
        return LambdaLayers(find_target(args).endpoint)
    return LambdaLayers(Endpoint(args.region or os.environ.get("AWS_REGION"), profile=args.profile))


def _keep(built: Built, entry: Registered | None, base: Path) -> None:
    """Leave its files where `penstock dev` finds them."""
    from penstock.configuration.layer import unpack

    if entry is not None and not entry.laid_out(base).is_dir():
        unpack(built.zip.body, entry.laid_out(base))


def _show(args: argparse.Namespace, built: Built, entry: Registered | None, state: str) -> None:
    from penstock.configuration.lock import lock_path
    from penstock.configuration.registering import settings_schema, stanza

    text = stanza(built.manifest, settings_schema(built.settings))
    facts: dict[str, Any] = {
        "plugin": built.manifest.name,
        "version": built.manifest.version,
        "state": state,
        "layer": None if entry is None else entry.layer,
        "digest": built.tree.digest,
        "packages_digest": built.tree.packages_digest,
        "files": len(built.tree.own),
        "zip_sha256": built.zip.sha256,
        "zip_bytes": len(built.zip.body),
        "unpacked_bytes": built.zip.unpacked_bytes,
    }
    if args.json:
        print_json({**facts, "lock": str(lock_path(args.config)), "stanza": text})
        return
    print_facts(facts)
    print(f"\nPaste into {args.config}, and grant less where you can:\n\n{text}", end="")
    if entry is not None:
        print(f"\nReview {lock_path(args.config)}, commit it, and deploy.")


def _tell(args: argparse.Namespace, text: str) -> None:
    if not args.json:
        print(text, file=sys.stderr)
