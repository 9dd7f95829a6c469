"""`penstock plugin explain`, `override`, `redrive`: what operators ask and do about what is deployed."""

from __future__ import annotations

import argparse
import getpass
import time
from typing import TYPE_CHECKING, Any

from penstock.cli.output import print_json, print_table, show
from penstock.cli.plugin_list import placements
from penstock.cli.target import Target, find_target
from penstock.errors import ConfigurationError

if TYPE_CHECKING:
    from penstock.configuration.snapshot import Snapshot
    from penstock.dialects import Route
    from penstock.governance.directory import Directory
    from penstock.governance.explaining import Explained
    from penstock.governance.principal import Principal


def explain(args: argparse.Namespace) -> None:
    from penstock.governance.access import Access
    from penstock.governance.directory import Directory
    from penstock.governance.explaining import explain as explained

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
    found = explained(placements(target.snapshot), facts, Access(directory).overrides())
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


def override(args: argparse.Namespace) -> None:
    from penstock.governance.overriding import Author, Overriding, Wish

    target = find_target(args)
    placed = [p for p in placements(target.snapshot) if p.plugin == args.plugin]
    if not placed:
        raise _unknown(args.plugin, target.snapshot)
    why = args.break_glass if args.break_glass is not None else args.reason
    author = Author(getpass.getuser(), time.time_ns() // 1_000_000, why, args.break_glass is not None)
    overriding = Overriding(target.control)
    wish = Wish(args.mode, args.rollout, dict(args.scope) or None, args.kill)
    if args.clear:
        overriding.clear(args.plugin, author)
        after: dict[str, Any] = {}
    elif wish.document():
        after = overriding.set(placed, wish, author)
    else:
        raise ConfigurationError(
            "penstock plugin override", "changes nothing.", "Give --mode, --kill or --clear."
        )
    show({"plugin": args.plugin, "override": after or "none", "live": "within 30 seconds"}, as_json=args.json)


def redrive(args: argparse.Namespace) -> None:
    from penstock.adapters.queues import redrive as sent_again

    target = find_target(args)
    queue = target.resources.plugin_queues.get(args.plugin)
    if queue is None:
        remedy = f"These have one: {', '.join(target.resources.plugin_queues) or 'none'}."
        raise ConfigurationError(f"plugin {args.plugin!r}", "has no queue.", remedy)
    moved = sent_again(target.queues, queue.dead_url, queue.url)
    show({"plugin": args.plugin, "sent_again": moved}, as_json=args.json)


def _unknown(plugin: str, snapshot: Snapshot) -> ConfigurationError:
    from penstock.configuration.reading import meant

    return ConfigurationError(f"plugin {plugin!r}", "is not deployed.", meant(plugin, snapshot.plugins))
