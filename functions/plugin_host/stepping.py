"""Steps of the plugin's workflow, one for each invocation by Step Functions."""

from __future__ import annotations

from typing import Any

from penstock.adapters.clients import Clients
from penstock.adapters.objects import S3Objects
from penstock.adapters.secrets import Secrets, decode_digest_key
from penstock.background.deployed import stepping_plugin, ways_out
from penstock.background.steps import Links, StepHost, StepParts, SteppingPlugin
from penstock.configuration.settings import Settings
from penstock.configuration.snapshot import Snapshot
from penstock.evidence import telemetry
from penstock.evidence.record import now_ms
from penstock.gates.deadline import Deadlines


class Stepping:
    """One environment's: the loaded plugin and its connections."""

    def __init__(self, plugin: SteppingPlugin, parts: StepParts, deployment: str) -> None:
        self._plugin, self._deployment = plugin, deployment
        self._host = StepHost(plugin, parts)

    @classmethod
    def of(
        cls,
        name: str,
        snapshot: Snapshot,
        settings: Settings,
        clients: Clients,
        secrets: Secrets,
        deadlines: Deadlines,
    ) -> Stepping:
        """Those of the plugin `name`. Raises ConfigurationError when it is deployed without a workflow."""
        plugin = stepping_plugin(snapshot, settings, name)
        parts = StepParts(
            objects=S3Objects(clients, settings.evidence_bucket),
            secrets=secrets,
            deadlines=deadlines,
            digest_key=lambda: decode_digest_key(secrets.get(settings.evidence_key_secret)),
            ways=ways_out(snapshot, settings, clients, name),
            links=_links(plugin, settings, secrets),
            local=settings.local,
        )
        return cls(plugin, parts, settings.deployment)

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        done = False
        try:
            answer = self._host.answer(event, context.get_remaining_time_in_millis() / 1000)
            done = True
            return answer
        finally:
            counts = {"BackgroundDelivered": int(done), "BackgroundFailed": int(not done)}
            telemetry.emit(
                telemetry.count_lines(counts, now_ms(), self._deployment, plugin=self._plugin.name)
            )


def _links(plugin: SteppingPlugin, settings: Settings, secrets: Secrets) -> Links | None:
    """What makes the links of its approvals; None where it has none."""
    lasting_s = {step.name: step.timeout_s or 0 for step in plugin.steps.approvals}
    if not lasting_s:
        return None
    from penstock.approvals.links import plugin_links  # noqa: PLC0415 - only these plugins need it

    made = plugin_links(settings, secrets.get, plugin.name, lasting_s)
    return made.url if made is not None else None
