"""`penstock dev`: the whole gateway on this machine."""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.dev.options import Options

# As `penstock.dev.options` has them; here once more so that `penstock --help` need not load the gateway.
PORT = 8080
ENVIRONMENTS = 50
FOLDER = Path(".penstock")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("dev", help="run the gateway on this machine", description=__doc__)
    parser.add_argument(
        "configuration",
        nargs="?",
        type=Path,
        metavar="gateway.toml",
        help="default: the one in this folder, or else the example",
    )
    parser.add_argument("--port", type=int, default=PORT, help=f"where to listen (default: {PORT}; 0: any)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"state and logs (default: {FOLDER})")
    parser.add_argument("--fresh", action="store_true", help="throw away what earlier runs stored")
    parser.add_argument(
        "--stack",
        type=Path,
        metavar="CDK.OUT",
        help="run the functions that `make synth` wrote there: their code, layers, environment, roles",
    )
    parser.add_argument(
        "--environments",
        type=_environments,
        default=ENVIRONMENTS,
        metavar="N",
        help=f"requests served at once; more wait (default: {ENVIRONMENTS})",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run until Ctrl-C; the exit status. Raises ConfigurationError."""
    from penstock.dev.gateway import run as run_gateway

    if arguments.stack is None:
        return run_gateway(options_of(arguments))
    from penstock.dev.stack import prepare_stack

    return run_gateway(options_of(arguments), partial(prepare_stack, arguments.stack))


def options_of(arguments: argparse.Namespace) -> Options:
    from penstock.dev.options import Options

    return Options(
        port=arguments.port,
        configuration=arguments.configuration,
        folder=arguments.folder,
        fresh=arguments.fresh,
        warm=min(2, arguments.environments),
        maximum=arguments.environments,
        openai_api_key=os.environ.get("OPENAI_API_KEY") or None,
    )


def _environments(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 64:
        raise argparse.ArgumentTypeError("from 1 to 64: each that is needed is a process of about 60 MB")
    return number
