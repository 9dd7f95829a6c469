"""What one environment of a plugin's function does, by what it is asked: gates' calls, deliveries, steps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.adapters.clients import Clients
from penstock.adapters.secrets import SecretsManager
from penstock.background.inline import InlineHost, InlinePlugin, inline_plugin
from penstock.configuration.settings import Settings
from penstock.configuration.snapshot import Snapshot
from penstock.gates.deadline import Deadlines
from penstock.gates.waited_call import WAITED

if TYPE_CHECKING:
    from functions.plugin_host.deliveries import Deliveries
    from functions.plugin_host.stepping import Stepping
    from penstock.background.reach import Reaches

BATCH = "Records"  # what an event of SQS has, and no other
STEP = "penstock_step"  # what Step Functions asks with (`penstock.background.steps`)


class Environment:
    """What is kept between invocations: the loaded plugin and its connections."""

    def __init__(self, name: str, settings: Settings, clients: Clients) -> None:
        self._name, self._settings, self._clients = name, settings, clients
        self._snapshot = Snapshot.load(Path(settings.snapshot_path))
        self._secrets, self._deadlines = SecretsManager(clients), Deadlines.for_environment()
        self._inline = self._called()
        self._deliveries = self._made() if self._inline is None or name in self._snapshot.waited else None
        self._stepping: Stepping | None = None

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        if STEP in event:
            self._stepping = self._stepping or self._steps()
            return self._stepping(event, context)
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

    def _steps(self) -> Stepping:
        from functions.plugin_host.stepping import Stepping  # noqa: PLC0415 - S3

        return Stepping.of(
            self._name, self._snapshot, self._settings, self._clients, self._secrets, self._deadlines
        )
