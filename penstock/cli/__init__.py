"""`penstock …`: what operators and plugin authors type.

    dev, demo              run the local gateway, show it
    apply                  make the control table what gateway.toml says
    keys                   API keys: create, list, show, rotate, revoke
    plugin                 check, review, fetch, register, list, explain, override, redrive
    mcp                    inspect, approve, diff
    evidence               what was kept of requests: show, tail, redrive, verify

One module for each; it has `add_parser(subparsers)` and `run(args) -> int`. Only the module of the command
that was typed is imported, and boto3 only by commands that need it, so that the command line starts at once.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from types import ModuleType

from penstock import __version__
from penstock.cli.output import printable
from penstock.errors import ConfigurationError, PenstockError

COMMANDS = ("dev", "demo", "apply", "keys", "plugin", "mcp", "evidence")

# What sysexits.h calls EX_USAGE is 64; argparse itself uses 2, and so do we for what the operator must mend.
FAILED = 1
MISTAKEN = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells count


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit status. An error is one line on stderr, as JSON with `--json`."""
    words = sys.argv[1:] if argv is None else argv
    modules = _modules(words)
    args = parser_of(modules).parse_args(words)
    try:
        status = modules[args.command].run(args)
        sys.stdout.flush()
    except PenstockError as error:
        _explain(error, as_json=getattr(args, "json", False))
        return MISTAKEN if isinstance(error, ConfigurationError) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Who reads has gone, as `head` does. What Python still holds must not be written when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return int(status)


def _modules(words: list[str]) -> dict[str, ModuleType]:
    """The module of the command in `words`; all of them when there is none, for the help."""
    named = next((word for word in words if not word.startswith("-")), None)
    wanted = (named,) if named in COMMANDS else COMMANDS
    return {name: importlib.import_module(f"penstock.cli.{name}") for name in wanted}


def parse(words: list[str]) -> argparse.Namespace:
    """What `words` ask for. Exits, as argparse does, when they are no command line."""
    return parser_of(_modules(words)).parse_args(words)


def parser_of(modules: dict[str, ModuleType]) -> argparse.ArgumentParser:
    """The parser of the commands in `modules`."""
    parser = argparse.ArgumentParser(prog="penstock", description="An AI gateway with governed plugins.")
    parser.add_argument("--version", action="version", version=f"penstock {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="command")
    for module in modules.values():
        module.add_parser(subparsers)
    return parser


def _explain(error: PenstockError, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": {"code": error.code, "message": str(error)}}), file=sys.stderr)
    else:
        print(printable(f"penstock: {error}"), file=sys.stderr)
