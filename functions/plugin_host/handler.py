"""Runs one plugin, named by PENSTOCK_PLUGIN: called by the gateway, or from the plugin's queue."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.adapters.clients import Clients
from penstock.adapters.secrets import SecretsManager
from penstock.background.inline import InlineHost, InlinePlugin, inline_plugin
from penstock.configuration.settings import Settings
from penstock.configuration.snapshot import Snapshot
from penstock.evidence import logs
from penstock.gates.deadline import Deadlines
from penstock.gates.waited_call import WAITED

if TYPE_CHECKING:
    from functions.plugin_host.deliveries import Deliveries
    from penstock.background.reach import Reaches

PLUGIN = "PENSTOCK_PLUGIN"
BATCH = "Records"  # what an event of SQS has, and a call of the gateway has not


class Function:
    """What one environment keeps between invocations: the loaded plugin and its connections."""

    def __init__(self, name: str, settings: Settings, clients: Clients) -> None:
        self._name, self._settings, self._clients = name, settings, clients
        self._snapshot = Snapshot.load(Path(settings.snapshot_path))
        self._secrets, self._deadlines = SecretsManager(clients), Deadlines.for_environment()
        self._inline = self._called()
        self._deliveries = self._made() if self._inline is None or name in self._snapshot.waited else None

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        if self._inline is not None and not event.keys() & {BATCH, WAITED}:
            return self._inline.answer(event)
        self._deliveries = self._deliveries or self._made()
        return self._deliveries(event, context)

    def _called(self) -> InlineHost | None:
        plugin = inline_plugin(self._snapshot, self._settings, self._name)
        if plugin is None:
            return None
        capable = self._snapshot.plugins[self._name].is_capable
        return InlineHost(plugin, self._deadlines, self._reach(plugin) if capable else None)

    # The caller of a cold start waits: what only some plugins need is imported for them.

    def _reach(self, plugin: InlinePlugin) -> Reaches:
        from penstock.background.deployed import ways_out  # noqa: PLC0415 - httpx: 150 ms
        from penstock.background.reach import Reaches  # noqa: PLC0415 - same

        ways = ways_out(self._snapshot, self._settings, self._clients, self._name)
        return Reaches(plugin, self._secrets, ways, local=self._settings.local)

    def _made(self) -> Deliveries:
        from functions.plugin_host.deliveries import Deliveries  # noqa: PLC0415 - S3, ledger

        return Deliveries.of(
            self._name, self._snapshot, self._settings, self._clients, self._secrets, self._deadlines
        )


@cache
def function() -> Function:
    """One per environment."""
    logs.set_up()
    return Function(os.environ[PLUGIN], Settings.read(os.environ), Clients())


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    logs.told(function)  # in Lambda's init phase: the plugin is there before the first caller is


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One call of the gateway, or one batch of the plugin's queue."""
    return function()(event, context)
