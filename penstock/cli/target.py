"""Which gateway a command works on: the running local one, or a deployed one. One resolver for all commands.

`penstock dev` writes `.penstock/local.json` and removes it when it ends: where its AWS is, with credentials
that open nothing else, what its resources are called, and where its snapshot is.

`--stack NAME` is the deployment of that name in the operator's own account: its stacks' outputs say the rest.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, partial
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
    """A gateway that runs: its resources, and ways to reach them.

    `echo_url`: the local echo upstream. `told_secrets`: names of upstreams' secrets that its role may read
    besides those below its prefix; None when roles bind nobody, as on the local gateway.
    """

    resources: Resources
    endpoint: Endpoint
    read_snapshot: Callable[[], Snapshot]
    echo_url: str | None = None
    told_secrets: frozenset[str] | None = None

    @property
    def is_deployed(self) -> bool:
        """Whether it is in AWS, not on this machine."""
        return self.told_secrets is not None

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
        return self.read_snapshot()


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """`--folder`, `--stack` and `--json`, which every command that works on a gateway has."""
    parser.add_argument(
        "--stack", metavar="NAME", help="a deployed gateway: `deployment.name` in gateway.toml"
    )
    parser.add_argument("--region", help="of --stack (default: as the AWS command line has it)")
    parser.add_argument("--profile", help="AWS profile for --stack (default: as the AWS command line has it)")
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="folder of `penstock dev` (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def find_target(args: argparse.Namespace) -> Target:
    """The gateway that `args` mean. Raises ConfigurationError when none runs there."""
    if getattr(args, "stack", None):
        return _deployed(args.stack, Endpoint(args.region, profile=args.profile))
    if hasattr(args, "stack") and (args.region or args.profile):
        # Whoever names an account does not mean the local gateway, where the command would succeed.
        option = "--profile" if args.profile else "--region"
        remedy = "Name the deployment with --stack too, or take it out for the local gateway."
        raise ConfigurationError(option, "is of a deployed gateway.", remedy)
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
    return Target(resources, endpoint, partial(_load, Path(tree["snapshot"])), tree.get("echo_url"))


def _load(path: Path) -> Snapshot:
    from penstock.configuration.snapshot import Snapshot

    return Snapshot.load(path)


def _deployed(deployment: str, endpoint: Endpoint) -> Target:
    from penstock.adapters.stacks import deployed_resources, download, gateway_stack, outputs
    from penstock.configuration.snapshot import Snapshot

    clients, stack = Clients(endpoint), gateway_stack(deployment)

    @cache
    def gateway() -> dict[str, str]:
        return outputs(clients, stack)

    @cache
    def snapshot() -> Snapshot:
        if "Snapshot" not in gateway():
            raise ConfigurationError(f"stack {stack!r}", "does not tell its Snapshot.", "Deploy it again.")
        return Snapshot.decode(download(clients, gateway()["Snapshot"]), f"what {stack} runs")

    def in_background() -> list[str]:
        return [plugin.name for plugin in snapshot().plugins.values() if plugin.in_background]

    resources = deployed_resources(clients, deployment, in_background)
    told = gateway().get("UpstreamSecrets", "").split(",")
    return Target(resources, endpoint, snapshot, told_secrets=frozenset(told) - {""})
