"""One background plugin as it was deployed, and what reaches outside for a plugin: from the snapshot."""

from __future__ import annotations

from penstock.adapters.clients import Clients
from penstock.adapters.email import SesEmail
from penstock.adapters.exports import S3Exports
from penstock.adapters.plugin_storage import DynamoStorage
from penstock.adapters.workflows import StepFunctionsRuns
from penstock.background.capabilities import Ways
from penstock.background.host import BackgroundPlugin
from penstock.background.inline import loader
from penstock.background.sending import alias_transport
from penstock.background.starting import Workflows
from penstock.background.steps import SteppingPlugin
from penstock.configuration.settings import WORKFLOW, Settings
from penstock.configuration.snapshot import Snapshot
from penstock.egress.addresses import is_this_machine
from penstock.egress.network import PublicTransport
from penstock.errors import ConfigurationError
from penstock.sdk.fields import LATER


def background_plugin(snapshot: Snapshot, settings: Settings, name: str) -> BackgroundPlugin:
    """The plugin `name`. Raises ConfigurationError when the snapshot places no such one at after_response.

    Nothing of it is imported yet: that is `load`, and may fail.
    """
    deployed = snapshot.plugins.get(name)
    placement = next((p for p in snapshot.at(LATER) if p.plugin == name), None)
    if deployed is None or placement is None:
        raise ConfigurationError(
            f"plugin {name!r}", "is not deployed at after_response.", "Deploy this function again."
        )
    return BackgroundPlugin(
        placement=placement,
        snapshot=snapshot.digest,
        load=loader(deployed, settings),
        hosts=frozenset(deployed.hosts),
        secrets=deployed.secrets,
        terms=snapshot.terms(placement),
    )


def plugin_transport(snapshot: Snapshot, settings: Settings, name: str) -> PublicTransport:
    """What sends for the plugin: to public addresses; locally to this machine too, where it is granted."""
    hosts = snapshot.plugins[name].hosts if settings.local else ()
    names = (host.rpartition(":")[0] for host in hosts)
    return PublicTransport(frozenset(filter(is_this_machine, names)))


def stepping_plugin(snapshot: Snapshot, settings: Settings, name: str) -> SteppingPlugin:
    """The plugin `name` as its workflow runs it. Raises ConfigurationError when it is granted none."""
    deployed = snapshot.plugins.get(name)
    if deployed is None or deployed.workflow is None:
        problem = "is not deployed with a workflow."
        raise ConfigurationError(f"plugin {name!r}", problem, "Deploy this function again.")
    placed = [p for placements in snapshot.placements.values() for p in placements if p.plugin == name]
    effects = {effect for placement in placed for effect in placement.terms.effects}
    return SteppingPlugin(
        name=name,
        version=deployed.version,
        digest=deployed.digest,
        snapshot=snapshot.digest,
        steps=deployed.steps,
        load=loader(deployed, settings),
        hosts=frozenset(deployed.hosts),
        secrets=deployed.secrets,
        records={name: spec for placement in placed for name, spec in placement.records.items()},
        emits="emit" in effects,
    )


def workflows_of(snapshot: Snapshot, settings: Settings, clients: Clients, name: str) -> Workflows | None:
    """What starts the workflow of the plugin; None when it is granted none. Raises ConfigurationError."""
    deployed = snapshot.plugins[name]
    if deployed.workflow is None:
        return None
    if not settings.workflow:
        problem = f"{WORKFLOW} is not set."
        raise ConfigurationError("the function's environment", problem, "Deploy it again.")
    lasting_s = deployed.steps.timeout_s
    kept = DynamoStorage(clients, settings.storage_table, name)
    return Workflows(StepFunctionsRuns(clients, settings.workflow), kept, lasting_s)


def ways_out(snapshot: Snapshot, settings: Settings, clients: Clients, name: str) -> Ways:
    """What reaches outside for the plugin, of what it is granted."""
    deployed = snapshot.plugins[name]
    sender, recipients = deployed.email_from, deployed.email_to
    alias = settings.egress_alias
    return Ways(
        alias_transport(clients, alias) if alias else plugin_transport(snapshot, settings, name),
        DynamoStorage(clients, settings.storage_table, name) if deployed.storage else None,
        None if sender is None else lambda taken: SesEmail(clients, sender, recipients, taken),
        S3Exports(clients, settings.exports_bucket, name) if deployed.exports else None,
        workflows_of(snapshot, settings, clients, name),
    )
