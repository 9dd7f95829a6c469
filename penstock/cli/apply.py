"""`penstock apply`: organisations, teams, users, models and grants become what gateway.toml says."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.cli.output import print_json, print_table
from penstock.cli.target import Target, add_target_arguments, find_target

if TYPE_CHECKING:
    from penstock.configuration.applying import Difference
    from penstock.configuration.reading import Source


def add_parser(subparsers: Any) -> None:
    """`penstock apply [gateway.toml] [--dry-run]`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "apply",
        help="make organisations, models and grants what gateway.toml says",
        description="Prints the difference and removes it. What is gone from the file is removed.",
    )
    parser.add_argument(
        "file", type=Path, nargs="?", default=Path("gateway.toml"), help="default: %(default)s"
    )
    parser.add_argument("--dry-run", action="store_true", help="only print the difference")
    add_target_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Show the difference, and unless it is a dry run, apply it."""
    from penstock.configuration.applied import applied_documents, approved_tools
    from penstock.configuration.applying import apply, differences, unknown_keys
    from penstock.configuration.reading import read_gateway_file
    from penstock.configuration.references import check_references

    source = read_gateway_file(args.file)
    check_references(source)
    target = find_target(args)
    _check_deployment(source, target)
    _check_secrets(source, target)
    store = target.control
    wanted = _local(applied_documents(source.file, approved_tools(source)), target)
    found = differences(store, wanted)
    _show(found, dry_run=args.dry_run, as_json=args.json)
    for key in unknown_keys(store, wanted):
        print(f"note: a grant names the API key {key!r}, which does not exist yet", file=sys.stderr)
    if not args.dry_run:
        apply(store, found)
        if found and not args.json:
            print("Applied; live within 30 seconds.")
    return 0


def _check_deployment(source: Source, target: Target) -> None:
    """Refuse another deployment's file: what is not in it, grants of all who call, would be removed there."""
    own, named = source.file.deployment.name, target.resources.deployment
    if target.is_deployed and own != named:
        problem = (
            f"is {own!r}, and --stack names {named!r}: what this file does not say would be removed there."
        )
        raise source.error(("deployment", "name"), problem, f"Give --stack {own}, or the file of {named}.")


def _check_secrets(source: Source, target: Target) -> None:
    """Refuse an upstream whose secret the deployed gateway may not read: its calls would fail."""
    from penstock.adapters.resources import Names

    if target.told_secrets is None:
        return
    prefix = Names.of(target.resources.deployment).upstream_secrets
    providers = [("provider", number, one.secret) for number, one in enumerate(source.file.provider)]
    servers = [("mcp_server", number, one.secret) for number, one in enumerate(source.file.mcp_server)]
    for kind, number, name in (*providers, *servers):
        if name and not name.startswith(prefix) and name not in target.told_secrets:
            problem = f"the deployed gateway may not read the secret {name!r}."
            remedy = f"Name it {prefix}…, which it may read at once; or deploy this file first."
            raise source.error((kind, number, "secret"), problem, remedy)


def _local(wanted: dict[str, dict[str, Any]], target: Target) -> dict[str, dict[str, Any]]:
    """On the local gateway, the provider `echo` is wherever the echo upstream listens in this run."""
    for document in wanted.values():
        if target.echo_url and document.get("target", {}).get("provider") == "echo":
            document["target"]["base_url"] = f"{target.echo_url}/v1"
    return wanted


def _show(found: list[Difference], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json({"applied": not dry_run, "differences": [_tree(item) for item in found]})
    elif not found:
        print("Nothing to do: everything is as the file says.")
    else:
        rows = [(item.action, item.kind, item.name, _change(item)) for item in found]
        print_table("Would change" if dry_run else "Changes", ("", "kind", "name", "what"), rows)


def _tree(item: Difference) -> dict[str, Any]:
    details = [{"key": key, "from": old, "to": new} for key, old, new in item.details]
    return {"action": item.action, "kind": item.kind, "name": item.name, "details": details}


def _change(item: Difference) -> str:
    if item.action == "change":
        return "\n".join(f"{key}: {_value(old)} → {_value(new)}" for key, old, new in item.details)
    models = (item.document or {}).get("models")
    return f"models: {', '.join(models)}" if models else ""


def _value(value: object) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)
