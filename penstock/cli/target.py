"""Which gateway a command works on: the running local one. One resolver for all commands.

`penstock dev` writes `.penstock/local.json` and removes it when it ends: where its AWS is, with credentials
that open nothing else, what its resources are called, and where its snapshot is.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.adapters.clients import Clients, Endpoint
from penstock.adapters.resources import Resources
from penstock.errors import ConfigurationError

if TYPE_CHECKING:
    from penstock.adapters.control import ControlStore
    from penstock.adapters.objects import Objects
    from penstock.adapters.queues import Queues
    from penstock.adapters.seal_note import SealNotes
    from penstock.adapters.secrets import Secrets
    from penstock.configuration.snapshot import Snapshot

FOLDER = Path(".penstock")


@dataclass(frozen=True)
class Target:
    """A gateway that runs: its resources, and ways to reach them. `echo_url`: the local echo upstream."""

    resources: Resources
    endpoint: Endpoint
    snapshot_path: Path
    echo_url: str | None = None

    @cached_property
    def clients(self) -> Clients:
        return Clients(self.endpoint)

    @property
    def control(self) -> ControlStore:
        from penstock.adapters.control import DynamoControlStore

        return DynamoControlStore(self.clients, self.resources.control_table)

    @property
    def queues(self) -> Queues:
        from penstock.adapters.queues import SqsQueues

        return SqsQueues(self.clients)

    @property
    def objects(self) -> Objects:
        from penstock.adapters.objects import S3Objects

        return S3Objects(self.clients, self.resources.evidence_bucket)

    @property
    def seal_notes(self) -> SealNotes:
        from penstock.adapters.seal_note import DynamoSealNotes

        return DynamoSealNotes(self.clients, self.resources.ledger_table)

    @property
    def secrets(self) -> Secrets:
        from penstock.adapters.secrets import SecretsManager

        return SecretsManager(self.clients)

    @property
    def snapshot(self) -> Snapshot:
        """What is deployed there."""
        from penstock.configuration.snapshot import Snapshot

        return Snapshot.load(self.snapshot_path)


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """`--folder` and `--json`, which every command that works on a gateway has."""
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="folder of `penstock dev` (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def find_target(args: argparse.Namespace) -> Target:
    """The gateway that `args` mean. Raises ConfigurationError when none runs there."""
    path: Path = args.folder / "local.json"
    try:
        return _decoded(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        remedy = "Start one with `penstock dev`, or say where its folder is with --folder."
        raise ConfigurationError(str(args.folder), "no gateway runs from here.", remedy) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(str(path), "cannot be read.", "Start `penstock dev` again.") from error


def _decoded(tree: dict[str, Any]) -> Target:
    endpoint = Endpoint(
        tree["region"], tree["endpoint_url"], tree["access_key_id"], tree["secret_access_key"]
    )
    resources = Resources.decode(json.dumps(tree["resources"]))
    return Target(resources, endpoint, Path(tree["snapshot"]), tree.get("echo_url"))
