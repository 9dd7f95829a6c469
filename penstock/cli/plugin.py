"""`penstock plugin`: what authors check, reviewers ask and operators do about plugins.

plugin.py            the commands' arguments
plugin_check.py      check, review
plugin_register.py   fetch, register
plugin_list.py       list
plugin_operate.py    explain, override, redrive
plugin_storage.py    storage list, get, put, delete, load
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Any

from penstock.cli.arguments import duration_s, name, per_cent, scope
from penstock.cli.target import add_target_arguments


def add_parser(subparsers: Any) -> None:
    """`penstock plugin check|review|fetch|register|list|explain|override|redrive|storage`."""
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
    _add_register(actions)
    _add_list(actions.add_parser("list", help="registered, deployed and live versions, and what differs"))
    _add_explain(actions.add_parser("explain", help="which plugins would run for a key and what it asks?"))
    _add_override(actions.add_parser("override", help="lower a plugin, live within 30 seconds"))
    redrive = actions.add_parser("redrive", help="send a background plugin its dead letters again")
    redrive.add_argument("plugin")
    add_target_arguments(redrive)
    _add_storage(actions.add_parser("storage", help="look at what a plugin keeps, or fill it"))


def run(args: argparse.Namespace) -> int:
    """Do what `args.action` says."""
    module, action = _ACTIONS[args.action]
    getattr(importlib.import_module(f"penstock.cli.{module}"), action)(args)
    return 0


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, help="default: gateway.toml, or else the example")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _add_register(actions: Any) -> None:
    fetch = actions.add_parser("fetch", help="fetch what its requirements.txt names; needs the network")
    register = actions.add_parser("register", help="publish it as a layer, and write it to penstock.lock")
    for parser in (fetch, register):
        parser.add_argument("path", type=Path, metavar="FOLDER", help="a plugin's folder")
        parser.add_argument(
            "--config",
            type=Path,
            default=Path("gateway.toml"),
            help="beside it is the lock (default: %(default)s)",
        )
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    register.add_argument("--dry-run", action="store_true", help="build and print, publish nothing")
    register.add_argument("--region", help="publish there (default: as the AWS command line has it)")
    register.add_argument("--profile", help="AWS profile (default: as the AWS command line has it)")
    register.add_argument(
        "--folder", type=Path, help="publish to the local gateway whose folder this is, not to AWS"
    )


def _add_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, default=Path("gateway.toml"), help="beside it is penstock.lock"
    )
    parser.add_argument(
        "--since", type=duration_s, default=24 * 3600, help="how far back evidence is asked (default: 24h)"
    )
    add_target_arguments(parser)


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


def _add_storage(parser: argparse.ArgumentParser) -> None:
    whats = parser.add_subparsers(dest="what", required=True, metavar="what")
    listing = whats.add_parser("list", help="all keys and values")
    getting = whats.add_parser("get", help="one value")
    putting = whats.add_parser("put", help="one value, in place of what is there")
    deleting = whats.add_parser("delete", help="one key")
    loading = whats.add_parser("load", help="a whole table from a file: TOML, JSON or CSV")
    for each in (listing, getting, putting, deleting, loading):
        each.add_argument("plugin")
        add_target_arguments(each)
    listing.add_argument("--prefix", default="", help="only keys that begin so")
    for each in (getting, putting, deleting):
        each.add_argument("key")
    for each in (putting, loading):
        each.add_argument("file", type=Path, help="`-` is standard input" if each is putting else None)
        each.add_argument("--config", type=Path, help="default: gateway.toml, or else the example")
    loading.add_argument("--prune", action="store_true", help="remove what the file does not name")
    loading.add_argument("--dry-run", action="store_true", help="only print the difference")


_ACTIONS: dict[str, tuple[str, str]] = {
    "check": ("plugin_check", "check"),
    "review": ("plugin_check", "review"),
    "fetch": ("plugin_register", "fetch"),
    "register": ("plugin_register", "register"),
    "list": ("plugin_list", "list_plugins"),
    "explain": ("plugin_operate", "explain"),
    "override": ("plugin_operate", "override"),
    "redrive": ("plugin_operate", "redrive"),
    "storage": ("plugin_storage", "storage"),
}
