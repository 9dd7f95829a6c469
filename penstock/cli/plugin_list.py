"""`penstock plugin list`: which version of a plugin is registered, deployed and live, and what differs.

registered  in penstock.lock         what the next deployment would take
deployed    in the snapshot          what the functions were given
live        in the newest evidence   what served: only a request can show it
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.cli.output import print_json, print_table
from penstock.cli.target import Target, find_target

if TYPE_CHECKING:
    from penstock.configuration.lock import Registered
    from penstock.configuration.snapshot import Snapshot
    from penstock.gates.placement import Placement

# Records read for what is live: the newest ones, of which one has most plugins in it.
RECORDS = 50
SHOWN = 12  # characters of a digest, for people


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a plugin, as one of the three knows it. `at`: when it was seen, for what is live."""

    version: str
    digest: str
    at: str | None = None

    def shown(self) -> str:
        return f"{self.version} {self.digest.removeprefix('sha256:')[:SHOWN]}"

    def is_like(self, other: Version) -> bool:
        return (self.version, self.digest) == (other.version, other.digest)


def list_plugins(args: argparse.Namespace) -> None:
    """Both tables: versions by plugin, and placements."""
    from penstock.configuration.lock import lock_path, read_lock
    from penstock.governance.overriding import Overriding

    target = find_target(args)
    snapshot = target.snapshot
    versions = version_rows(read_lock(lock_path(args.config)), snapshot, live(target, args.since))
    placed = placement_rows(snapshot, Overriding(target.control).in_force())
    if args.json:
        print_json({"plugins": versions, "placements": placed})
        return
    states = ("registered", "deployed", "live")
    shown = [[row["plugin"], *(_shown(row[state]) for state in states), row["differs"]] for row in versions]
    print_table("Plugins", ("plugin", *states, "differs"), shown)
    columns = list(placed[0]) if placed else []
    print_table("Placements", columns, [list(row.values()) for row in placed])


def version_rows(
    lock: Mapping[str, Registered], snapshot: Snapshot, seen: Mapping[str, Version]
) -> list[dict[str, Any]]:
    """By plugin: each of the three, None where it is not there, and what differs, in words."""
    registered = {name: Version(entry.version, entry.digest) for name, entry in lock.items()}
    deployed = {name: Version(found.version, found.digest) for name, found in snapshot.plugins.items()}
    return [
        {
            "plugin": name,
            "registered": _tree(registered.get(name)),
            "deployed": _tree(deployed.get(name)),
            "live": _tree(seen.get(name)),
            "differs": list(differences(registered.get(name), deployed.get(name), seen.get(name))),
        }
        for name in sorted({*registered, *deployed, *seen})
    ]


def differences(registered: Version | None, deployed: Version | None, seen: Version | None) -> Iterator[str]:
    """What an operator would want to know; nothing when all that is known agrees."""
    if registered and not deployed:
        yield "registered, not deployed"
    elif registered and deployed and not registered.is_like(deployed):
        yield "another is registered than is deployed"
    if seen and not deployed:
        yield "was live, is no longer deployed"
    elif seen and deployed and not seen.is_like(deployed):
        yield "another was live last than is deployed"
    elif deployed and not seen:
        yield "not seen in evidence"


def live(target: Target, since_s: int, now_s: float | None = None) -> dict[str, Version]:
    """Plugin → the version in the newest record that it has left in the last `since_s` seconds."""
    from penstock.evidence.reading import EvidenceReader

    now_ms = int((time.time() if now_s is None else now_s) * 1000)
    found: dict[str, Version] = {}
    records = EvidenceReader(target.objects).records(now_ms - since_s * 1000, now_ms)
    for record, _ in zip(records, range(RECORDS), strict=False):
        for item in record.placements:
            found.setdefault(item.plugin, Version(item.version, item.digest, record.received_at))
    return found


def placement_rows(snapshot: Snapshot, overridden: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row for each placement, in the order of their gates."""
    return [
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
        for placement in placements(snapshot)
    ]


def placements(snapshot: Snapshot) -> list[Placement]:
    """All of a snapshot."""
    return [placement for placed in snapshot.placements.values() for placement in placed]


def _tree(version: Version | None) -> dict[str, str] | None:
    if version is None:
        return None
    at = {} if version.at is None else {"at": version.at}
    return {"version": version.version, "digest": version.digest, **at}


def _shown(tree: Mapping[str, str] | None) -> str:
    return "" if tree is None else Version(tree["version"], tree["digest"]).shown()
