"""`penstock plugin`: what authors check, reviewers ask and operators do about plugins."""

from __future__ import annotations

import argparse
import getpass
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.cli.arguments import name, per_cent, scope
from penstock.cli.output import print_facts, print_json, print_table
from penstock.cli.target import Target, add_target_arguments, find_target
from penstock.errors import ConfigurationError

if TYPE_CHECKING:
    from penstock.configuration.snapshot import Snapshot
    from penstock.dialects import Route
    from penstock.gates.placement import Placement
    from penstock.governance.directory import Directory
    from penstock.governance.explaining import Explained
    from penstock.governance.principal import Principal
    from penstock.sdk.manifest import Manifest
    from penstock.sdk.plugin import Plugin


def add_parser(subparsers: Any) -> None:
    """`penstock plugin check|review|list|explain|override|redrive`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "plugin", help="check, review and operate plugins"
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    check = actions.add_parser("check", help="is a plugin, or a whole gateway.toml, as it must be?")
    check.add_argument("path", type=Path, nargs="?", help="a plugin's folder")
    _add_config(check)
    review = actions.add_parser("review", help="what may it do? The seven questions")
    review.add_argument("plugin", help="its name in gateway.toml, or its folder")
    _add_config(review)
    add_target_arguments(actions.add_parser("list", help="what is deployed"))
    _add_explain(actions.add_parser("explain", help="which plugins would run for a key and what it asks?"))
    _add_override(actions.add_parser("override", help="lower a plugin, live within 30 seconds"))
    redrive = actions.add_parser("redrive", help="send a background plugin its dead letters again")
    redrive.add_argument("plugin")
    add_target_arguments(redrive)


def run(args: argparse.Namespace) -> int:
    """Do what `args.action` says."""
    _ACTIONS[args.action](args)
    return 0


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, help="default: gateway.toml, or else the example")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _add_explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key", type=name, required=True, help="id of an API key")
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--model", type=name)
    asked.add_argument("--mcp-server", type=name)
    parser.add_argument("--tool", help="with --mcp-server: whether the key may call this tool")
    parser.add_argument("--tenant", type=name, help="default: the key's own, if it has one")
    parser.add_argument("--route", help="path template; default: the first that generates an answer")
    add_target_arguments(parser)


def _add_override(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plugin")
    parser.add_argument("--mode", choices=("off", "shadow", "enforce"))
    parser.add_argument(
        "--scope", type=scope, action="append", default=[], metavar="team=a*,b", help="narrow it; repeatable"
    )
    parser.add_argument("--rollout", type=per_cent, help="per cent of API keys for which it enforces")
    kill = parser.add_mutually_exclusive_group()
    kill.add_argument("--kill", action="store_true", default=None, help="do not run it at all")
    kill.add_argument("--clear", action="store_true", help="return to what was deployed")
    parser.add_argument("--reason", default="", help="why; it is recorded")
    parser.add_argument("--break-glass", metavar="REASON", help="lower what is required; it is recorded")
    add_target_arguments(parser)


def _check(args: argparse.Namespace) -> None:
    if args.path is None:
        _check_config(args)
        return
    from penstock.configuration.plugin_source import check_source
    from penstock.sdk.loading import load_class, tree_digest
    from penstock.sdk.manifest import read_manifest

    manifest = read_manifest(args.path)
    check_source(args.path, manifest)
    kind = load_class(args.path, manifest)
    facts = {
        "plugin": manifest.name,
        "version": manifest.version,
        "digest": tree_digest(args.path),
        "moments": list(manifest.moments),
        "settings": list(kind.config_model.model_fields),
        "windows": _windows(args.path, manifest, kind),
    }
    _print(facts, as_json=args.json)


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
    _print(facts, as_json=args.json)


def _review(args: argparse.Namespace) -> None:
    from penstock.configuration.review import review
    from penstock.sdk.manifest import read_manifest

    folder = Path(args.plugin)
    if (folder / "plugin.toml").is_file():
        manifest, stanza = read_manifest(folder), None
    else:
        manifest, stanza = _installed(args)
    found = review(manifest, stanza)
    if args.json:
        answers = {"answers": dict(found.answers), "placements": list(found.placements)}
        print_json({"plugin": manifest.name, **answers, "risk": found.response_path})
        return
    what = "is given" if stanza else "asks for"
    print_table(f"What {manifest.name} {manifest.version} {what}", ("question", "answer"), found.answers)
    print(*found.placements, found.response_path, sep="\n")


def _installed(args: argparse.Namespace) -> tuple[Any, Any]:
    """Manifest and stanza of the plugin that gateway.toml calls `args.plugin`."""
    from penstock.configuration.compile import built_in_plugins, plugin_folder
    from penstock.configuration.reading import chosen_file, meant, read_gateway_file
    from penstock.sdk.manifest import read_manifest

    source = read_gateway_file(chosen_file(args.config))
    for stanza in source.file.plugin:
        if stanza.name == args.plugin:
            folder = plugin_folder(stanza, source.path.parent, built_in_plugins())
            return read_manifest(folder), stanza
    remedy = meant(args.plugin, [stanza.name for stanza in source.file.plugin])
    raise ConfigurationError(f"plugin {args.plugin!r}", f"is neither in {source.path} nor a folder.", remedy)


def _list(args: argparse.Namespace) -> None:
    from penstock.governance.overriding import Overriding

    target = find_target(args)
    overridden = Overriding(target.control).in_force()
    rows = [
        {
            "plugin": placement.plugin,
            "version": placement.version,
            "moment": placement.moment,
            "style": placement.style,
            "host": placement.host,
            "order": placement.order,
            "mode": placement.mode.label,
            "rollout": placement.rollout,
            "required": placement.required,
            "override": overridden.get(placement.plugin),
        }
        for placement in _placements(target.snapshot)
    ]
    _print_rows("Placements", rows, as_json=args.json)


def _explain(args: argparse.Namespace) -> None:
    from penstock.governance.access import Access
    from penstock.governance.directory import Directory
    from penstock.governance.explaining import explain

    route = _route(args.route or ("/mcp/{server}" if args.mcp_server else None))
    target = find_target(args)
    principal = _principal(target, args)
    directory = Directory(target.control)
    facts = {
        **principal.facts(),
        "model": args.model,
        "mcp_server": args.mcp_server,
        "dialect": route.dialect.name,
        "route": route.template,
    }
    found = explain(_placements(target.snapshot), facts, Access(directory).overrides())
    refusal = _refusal(args, directory, principal)
    if args.json:
        print_json({"granted": refusal is None, "placements": [_explained(item) for item in found]})
        return
    columns = ("moment", "plugin", "runs", "why", "mode", "host", "stream", "timeout_ms", "grant")
    print_table(f"{args.key} → {args.model or args.mcp_server}", columns, [_explained_row(i) for i in found])
    if refusal is not None:
        print(f"note: {refusal}: such a request is refused first.")


def _refusal(args: argparse.Namespace, directory: Directory, principal: Principal) -> str | None:
    """Why such a request would not come to a plugin, as far as names say it."""
    from penstock.governance.access import Access
    from penstock.governance.denied import Denied
    from penstock.governance.mcp_access import McpAccess

    if args.model:
        if args.tool is not None:
            raise ConfigurationError("--tool", "is for an MCP server.", "Give --mcp-server.")
        granted = args.model in Access(directory).models(principal)
        return None if granted else f"{args.key} has no grant for {args.model}"
    server = McpAccess(directory).server(principal, args.mcp_server)
    if isinstance(server, Denied):
        return f"{args.key} has no grant for {args.mcp_server}"
    reason = None if args.tool is None else server.tools.refusal(args.tool)
    return None if reason is None else f"{args.tool} is {reason.replace('_', ' ')}"


def _route(template: str | None) -> Route:
    """The route that `template` names; without one, the first that generates an answer."""
    from penstock.configuration.reading import meant
    from penstock.dialects import ROUTES

    routes = {route.template: route for route in reversed(ROUTES) if route.surface}
    chosen = template or next(route.template for route in ROUTES if route.operation == "generate")
    if chosen not in routes:
        problem = "is no route that carries content."
        raise ConfigurationError(f"--route {chosen!r}", problem, meant(chosen, routes))
    return routes[chosen]


def _principal(target: Target, args: argparse.Namespace) -> Any:
    from penstock.governance.api_keys import ApiKeys
    from penstock.governance.principal import Principal

    owner = ApiKeys(target.control).show(args.key).owner
    if args.tenant and args.tenant not in owner.tenants:
        remedy = f"It may act for: {', '.join(owner.tenants) or 'none'}."
        raise ConfigurationError(f"API key {args.key!r}", f"may not act for tenant {args.tenant!r}.", remedy)
    tenant = args.tenant or (owner.tenants[0] if len(owner.tenants) == 1 else None)
    return Principal(owner.organisation, args.key, owner.team, owner.user, tenant)


def _explained(item: Explained) -> dict[str, Any]:
    placement = item.placement
    return {
        "moment": placement.moment,
        "plugin": placement.plugin,
        "runs": "yes" if item.runs else "no",
        "why": item.why,
        "mode": item.mode.label,
        "style": placement.style,
        "host": placement.host,
        "stream": placement.stream or "",
        "timeout_ms": placement.timeout_ms,
        "reads": list(placement.reads),
        "writes": sorted(placement.terms.writes),
        "effects": sorted(placement.terms.effects),
    }


def _explained_row(item: Explained) -> tuple[object, ...]:
    facts = _explained(item)
    grant = [f"{what}: {', '.join(facts[what])}" for what in ("effects", "reads", "writes") if facts[what]]
    names = ("moment", "plugin", "runs", "why", "mode", "host", "stream", "timeout_ms")
    named = (facts[name] for name in names)
    return (*named, "\n".join(grant))


def _override(args: argparse.Namespace) -> None:
    from penstock.governance.overriding import Author, Overriding, Wish

    target = find_target(args)
    placements = [p for p in _placements(target.snapshot) if p.plugin == args.plugin]
    if not placements:
        raise _unknown(args.plugin, target.snapshot)
    why = args.break_glass if args.break_glass is not None else args.reason
    author = Author(getpass.getuser(), time.time_ns() // 1_000_000, why, args.break_glass is not None)
    overriding = Overriding(target.control)
    wish = Wish(args.mode, args.rollout, dict(args.scope) or None, args.kill)
    if args.clear:
        overriding.clear(args.plugin, author)
        after: dict[str, Any] = {}
    elif wish.document():
        after = overriding.set(placements, wish, author)
    else:
        raise ConfigurationError(
            "penstock plugin override", "changes nothing.", "Give --mode, --kill or --clear."
        )
    _print(
        {"plugin": args.plugin, "override": after or "none", "live": "within 30 seconds"}, as_json=args.json
    )


def _redrive(args: argparse.Namespace) -> None:
    from penstock.adapters.queues import redrive

    target = find_target(args)
    queue = target.resources.plugin_queues.get(args.plugin)
    if queue is None:
        remedy = f"These have one: {', '.join(target.resources.plugin_queues) or 'none'}."
        raise ConfigurationError(f"plugin {args.plugin!r}", "has no queue.", remedy)
    moved = redrive(target.queues, queue.dead_url, queue.url)
    _print({"plugin": args.plugin, "sent_again": moved}, as_json=args.json)


def _placements(snapshot: Snapshot) -> list[Placement]:
    return [placement for placements in snapshot.placements.values() for placement in placements]


def _unknown(plugin: str, snapshot: Snapshot) -> ConfigurationError:
    from penstock.configuration.reading import meant

    return ConfigurationError(f"plugin {plugin!r}", "is not deployed.", meant(plugin, snapshot.plugins))


def _print(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(facts)
    else:
        print_facts(facts)


def _print_rows(title: str, rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
    else:
        columns = list(rows[0]) if rows else []
        print_table(title, columns, [list(row.values()) for row in rows])


_ACTIONS = {
    "check": _check,
    "review": _review,
    "list": _list,
    "explain": _explain,
    "override": _override,
    "redrive": _redrive,
}
