"""A plugin that has a function of its own, as it was deployed: from the snapshot to what a host can run."""

from __future__ import annotations

from collections.abc import Callable

from penstock.background.host import BackgroundPlugin
from penstock.background.inline import InlinePlugin
from penstock.configuration.settings import Settings
from penstock.configuration.snapshot import DeployedPlugin, Snapshot
from penstock.egress.addresses import is_this_machine
from penstock.egress.network import PublicTransport
from penstock.errors import ConfigurationError
from penstock.sdk.fields import LATER
from penstock.sdk.loading import LoadedPlugin, load_plugin


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
        load=_loader(deployed, settings),
        hosts=frozenset(deployed.hosts),
        secrets=deployed.secrets,
    )


def inline_plugin(snapshot: Snapshot, settings: Settings, name: str) -> InlinePlugin | None:
    """The plugin `name`; None when the gateway does not call it. Nothing of it is imported yet."""
    placements = {p.moment: p for p in snapshot.inline("function") if p.plugin == name}
    if not placements:
        return None
    deployed = snapshot.plugins[name]
    return InlinePlugin(
        placements=placements,
        terms={moment: snapshot.terms(placement) for moment, placement in placements.items()},
        load=_loader(deployed, settings),
        hosts=frozenset(deployed.hosts),
        secrets=deployed.secrets,
    )


def plugin_transport(snapshot: Snapshot, settings: Settings, name: str) -> PublicTransport:
    """What sends for the plugin: to public addresses; locally to this machine too, where it is granted."""
    hosts = snapshot.plugins[name].hosts if settings.local else ()
    names = (host.rpartition(":")[0] for host in hosts)
    return PublicTransport(frozenset(filter(is_this_machine, names)))


def _loader(deployed: DeployedPlugin, settings: Settings) -> Callable[[], LoadedPlugin]:
    return lambda: load_plugin(
        settings.plugin_folder(deployed.folder),
        dict(deployed.config),
        digest=deployed.digest,
        packages_digest=deployed.packages_digest,
        any_packages=settings.local,
    )
