"""The approvals of one deployment: from the snapshot, its tables, its secrets."""

from __future__ import annotations

import time
from collections.abc import Callable

from penstock.adapters.clients import Clients
from penstock.adapters.keys import approvals_key
from penstock.adapters.objects import S3Objects
from penstock.adapters.plugin_storage import DynamoStorage
from penstock.adapters.resources import link_secret
from penstock.adapters.secrets import Secrets, decode_digest_key
from penstock.adapters.task_tokens import StepFunctionsTasks
from penstock.approvals.decide import Asked, Deciding
from penstock.approvals.door import Door, Refusal
from penstock.approvals.store import Approvals
from penstock.configuration.settings import Settings
from penstock.configuration.snapshot import DeployedPlugin, Snapshot
from penstock.evidence import telemetry
from penstock.evidence.archive import Archive
from penstock.evidence.record import now_ms


def deployed_door(snapshot: Snapshot, settings: Settings, clients: Clients, secrets: Secrets) -> Door:
    """The door for all plugins that have an approval step."""
    asking = [plugin for plugin in snapshot.plugins.values() if plugin.asks_humans]
    deciding = {plugin.name: _deciding(plugin, snapshot, settings, clients, secrets) for plugin in asking}

    def key(plugin: str) -> bytes:
        return secrets.get(link_secret(settings.deployment, plugin)).encode()

    def count(plugin: str, reason: Refusal) -> None:
        _count("ApprovalsRefused", settings, plugin=plugin, reason=reason)

    return Door(deciding, key, count)


def _deciding(
    plugin: DeployedPlugin, snapshot: Snapshot, settings: Settings, clients: Clients, secrets: Secrets
) -> Deciding:
    table = settings.storage_table
    own = DynamoStorage(clients, table, approvals_key(plugin.name))
    return Deciding(
        Asked(plugin.name, plugin.version, plugin.digest, snapshot.digest),
        Approvals(own, DynamoStorage(clients, table, plugin.name), time.time),
        StepFunctionsTasks(clients),
        Archive(S3Objects(clients, settings.evidence_bucket)),
        lambda: decode_digest_key(secrets.get(settings.evidence_key_secret)),
        time.time,
        _counter(settings, plugin.name),
    )


def _counter(settings: Settings, plugin: str) -> Callable[[str], None]:
    return lambda outcome: _count("Approvals", settings, plugin=plugin, outcome=outcome)


def _count(name: str, settings: Settings, **dimensions: str) -> None:
    telemetry.emit(telemetry.count_lines({name: 1}, now_ms(), settings.deployment, **dimensions))
