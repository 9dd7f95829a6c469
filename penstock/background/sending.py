"""Who sends for a plugin when its function has no route out: an alias of the egress function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from penstock.adapters.clients import Clients
from penstock.adapters.functions import LambdaFunctions
from penstock.configuration.snapshot import Snapshot
from penstock.egress.client import AliasTransport

# A plugin's own deadline ends a call long before; this ends what nobody waits for any more.
LONGEST_S: Final = 60.0
# Times four threads (`penstock.adapters.functions`): what one run may have under way at a time.
AT_ONCE: Final = 4


def sending_hosts(snapshot: Snapshot) -> Mapping[str, frozenset[str]]:
    """Plugin → the `host:port` that it may call, of those that have any and may `emit` at some moment."""
    emitting = {
        placement.plugin
        for placements in snapshot.placements.values()
        for placement in placements
        if "emit" in placement.terms.effects
    }
    granted = snapshot.plugins.values()
    return {
        plugin.name: frozenset(plugin.hosts) for plugin in granted if plugin.hosts and plugin.name in emitting
    }


def alias_transport(clients: Clients, alias: str) -> AliasTransport:
    """What sends by `alias`, `<function>:<alias>`, the plugin's own."""
    functions = LambdaFunctions(clients, alias, AT_ONCE, LONGEST_S)
    return AliasTransport(lambda payload: functions.invoke("", payload).result(LONGEST_S))
