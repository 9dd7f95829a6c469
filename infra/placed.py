"""Where each plugin's code goes, read from the snapshot."""

from __future__ import annotations

import math
from collections.abc import Iterator

from penstock.configuration.snapshot import DeployedPlugin, Snapshot
from penstock.gates.placement import Placement

BACKGROUND_S = 60
# Its own timers end a plugin a second after its deadline (`penstock.gates.deadline`); Lambda ends the rest.
ENDING_S = 3


def placements(snapshot: Snapshot) -> Iterator[Placement]:
    for placed in snapshot.placements.values():
        yield from placed


def in_function(snapshot: Snapshot) -> list[DeployedPlugin]:
    """Plugins that have a function: they run in the background, or their host is `function`."""
    hosted = {placement.plugin for placement in placements(snapshot) if placement.host == "function"}
    return [plugin for plugin in snapshot.plugins.values() if plugin.name in hosted]


def called(snapshot: Snapshot) -> list[str]:
    """Of these, the ones that the gateway calls while a caller waits."""
    return sorted(snapshot.called)


def in_process(snapshot: Snapshot) -> list[str]:
    """Plugins whose code is on the gateway's function."""
    return sorted({placement.plugin for placement in placements(snapshot) if placement.host == "in_process"})


def delivered_once(snapshot: Snapshot) -> set[str]:
    """Background plugins whose deliveries are claimed in the ledger."""
    return {placement.plugin for placement in placements(snapshot) if placement.delivery == "at_most_once"}


def function_timeout_s(snapshot: Snapshot, plugin: DeployedPlugin) -> int:
    """How long its function may run: a batch of its queue, a step, a call that nobody waits for any more."""
    if plugin.in_background:
        return BACKGROUND_S
    if plugin.workflow is not None:
        return BACKGROUND_S
    longest_ms = max(p.timeout_ms for p in placements(snapshot) if p.plugin == plugin.name)
    return math.ceil(longest_ms / 1000) + ENDING_S
