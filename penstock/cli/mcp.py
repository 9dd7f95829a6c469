"""`penstock mcp`: what MCP servers' tools say, which of them are approved, and what has changed since.

What is approved is in `penstock.mcp.lock` beside gateway.toml, whole, so that its review is one of words;
`penstock apply` puts the digests in force. A server's secret is read where the running gateway has it.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.cli.output import print_json, print_table, printable
from penstock.cli.target import add_target_arguments, find_target
from penstock.errors import ConfigurationError

if TYPE_CHECKING:
    from penstock.configuration.mcp import McpServer
    from penstock.mcp.lockfile import Definitions

CHANGED = 1


def add_parser(subparsers: Any) -> None:
    """`penstock mcp inspect|approve|diff SERVER`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "mcp", help="look at MCP servers, approve their tools"
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    for action, what in (
        ("inspect", "its tools: approved or not, allowed or not, what in them speaks to the model"),
        ("approve", "write its tools to penstock.mcp.lock"),
        ("diff", "what has changed since; exit status 1 if anything has"),
    ):
        one = actions.add_parser(action, help=what)
        one.add_argument("server", help="its id in gateway.toml")
        if action == "approve":
            one.add_argument("tools", nargs="*", help="tools by name; one that seems suspicious only so")
            one.add_argument("--all", action="store_true", help="every tool that seems harmless")
            one.add_argument("--gone", action="store_true", help="forget tools that the server no longer has")
        one.add_argument("--config", type=Path, default=Path("gateway.toml"), help="default: %(default)s")
        add_target_arguments(one)


def run(args: argparse.Namespace) -> int:
    """Do what `args.action` says."""
    server = _server(args)
    return _ACTIONS[args.action](args, server, _listed(args, server))


def _server(args: argparse.Namespace) -> McpServer:
    from penstock.configuration.reading import meant, read_gateway_file

    servers = {server.id: server for server in read_gateway_file(args.config).file.mcp_server}
    if args.server not in servers:
        problem = f"has no [[mcp_server]] {args.server!r}."
        raise ConfigurationError(str(args.config), problem, meant(args.server, servers))
    return servers[args.server]


def _listed(args: argparse.Namespace, server: McpServer) -> dict[str, Mapping[str, Any]]:
    """The server's tools by name, as it lists them now."""
    from penstock.governance.mcp_access import decode_server
    from penstock.upstream.mcp import HttpMcpUpstream
    from penstock.upstream.mcp_auth import McpCredentials
    from penstock.upstream.mcp_listing import list_tools

    decoded = decode_server(server.model_dump(mode="json") | {"pins": {}})
    with contextlib.closing(HttpMcpUpstream()) as upstream:
        credentials: dict[str, str] = {}
        if decoded.auth.kind != "none":
            credentials = McpCredentials(find_target(args).secrets, upstream).header(decoded.auth)
        return {tool["name"]: tool for tool in list_tools(upstream, decoded.target, credentials)}


def _inspect(args: argparse.Namespace, server: McpServer, listed: Mapping[str, Mapping[str, Any]]) -> int:
    rows = _rows(server, listed, _locked(args))
    if args.json:
        print_json({"server": server.id, "tools": rows})
        return 0
    shown = [
        (row["tool"], row["approved"], row["rules"], [f"{f['rule']} ({f['where']})" for f in row["findings"]])
        for row in rows
    ]
    print_table(f"Tools of {server.id}", ("tool", "approved", "rules", "suspicious"), shown)
    return 0


def _approve(args: argparse.Namespace, server: McpServer, listed: Mapping[str, Mapping[str, Any]]) -> int:
    from penstock.configuration.reading import meant
    from penstock.mcp.lockfile import lock_path, read_lock, write_lock
    from penstock.mcp.scanning import scan

    path = lock_path(args.config)
    lock = read_lock(path)
    known = dict(lock.get(server.id, {}))
    if unknown := [name for name in args.tools if name not in listed]:
        raise ConfigurationError(
            f"MCP server {server.id!r}", f"has no tool {unknown[0]!r}.", meant(unknown[0], listed)
        )
    harmless = [name for name, tool in listed.items() if args.all and not scan(tool)]
    chosen = dict.fromkeys([*args.tools, *harmless])
    gone = [name for name in known if args.gone and name not in listed]
    approved = [name for name in chosen if known.get(name) != listed[name]]
    kept = {name: tool for name, tool in known.items() if name not in gone}
    write_lock(path, {**lock, server.id: kept | {name: listed[name] for name in chosen}})
    left = [name for name in listed if args.all and name not in chosen and known.get(name) != listed[name]]
    _tell_approval(args, path, {"approved": approved, "forgotten": gone, "suspicious": left})
    return 0


def _tell_approval(args: argparse.Namespace, path: Path, told: Mapping[str, Sequence[str]]) -> None:
    if args.json:
        print_json({"lock": str(path), **told})
        return
    for what, names in told.items():
        if names and what != "suspicious":
            print(printable(f"{what}: {', '.join(names)}"))
    if told["suspicious"]:
        left_out = printable(", ".join(told["suspicious"]))
        print(f"left out, since they seem to speak to the model: {left_out}", file=sys.stderr)
        print("Read them with `penstock mcp inspect`, and approve them by name.", file=sys.stderr)
    print(f"Review {path}, commit it, and run `penstock apply`.")


def _diff(args: argparse.Namespace, server: McpServer, listed: Mapping[str, Mapping[str, Any]]) -> int:
    locked = _locked(args)
    found: list[dict[str, Any]] = [
        {"tool": name, "state": state, "members": list(members)}
        for name in sorted({*locked, *listed})
        if (state := _state(locked.get(name), listed.get(name))) != "approved"
        for members in [_members(locked.get(name), listed.get(name))]
    ]
    if args.json:
        print_json({"server": server.id, "differences": found})
    elif not found:
        print(f"The tools of {server.id} are what was approved.")
    for difference in [] if args.json else found:
        said = f"{difference['tool']}: {difference['state']} {', '.join(difference['members'])}".rstrip()
        lines = _lines(locked.get(difference["tool"]), listed.get(difference["tool"]))
        print(printable("\n".join([said, *lines])))
    return CHANGED if found else 0


def _locked(args: argparse.Namespace) -> Definitions:
    from penstock.mcp.lockfile import lock_path, read_lock

    return read_lock(lock_path(args.config)).get(args.server, {})


def _rows(
    server: McpServer, listed: Mapping[str, Mapping[str, Any]], locked: Definitions
) -> list[dict[str, Any]]:
    from penstock.governance.mcp_access import decode_server
    from penstock.mcp.lockfile import digests
    from penstock.mcp.rules import ToolAccess, ToolGrant
    from penstock.mcp.scanning import scan

    rules = decode_server(server.model_dump(mode="json") | {"pins": digests(locked)}).tools.rules
    access = ToolAccess(rules, (ToolGrant.of(None, ()),))
    names = sorted({*listed, *locked})
    return [
        {
            "tool": name,
            "approved": _state(locked.get(name), listed.get(name)),
            "rules": access.refusal(name) or "allowed",
            "findings": [finding._asdict() for finding in scan(listed.get(name, {}))],
        }
        for name in names
    ]


def _state(locked: Mapping[str, Any] | None, listed: Mapping[str, Any] | None) -> str:
    from penstock.mcp.pinning import canonical

    if locked is None:
        return "new"
    if listed is None:
        return "gone"
    return "approved" if canonical(locked) == canonical(listed) else "changed"


def _members(locked: Mapping[str, Any] | None, listed: Mapping[str, Any] | None) -> tuple[str, ...]:
    from penstock.mcp.pinning import changes

    return changes(locked, listed) if locked is not None and listed is not None else ()


def _lines(locked: Mapping[str, Any] | None, listed: Mapping[str, Any] | None) -> list[str]:
    """The definitions line by line: what went and what came."""
    old, new = (
        [] if tool is None else json.dumps(tool, indent=2, sort_keys=True, ensure_ascii=False).splitlines()
        for tool in (locked, listed)
    )
    return [f"  {line}" for line in list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]]


_ACTIONS = {"inspect": _inspect, "approve": _approve, "diff": _diff}
