"""One background plugin as it was deployed: from the snapshot to something that a host can run."""

from __future__ import annotations

from penstock.background.host import BackgroundPlugin
from penstock.configuration.settings import Settings
from penstock.configuration.snapshot import Snapshot
from penstock.errors import ConfigurationError
from penstock.sdk.fields import LATER
from penstock.sdk.loading import load_plugin


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
        load=lambda: load_plugin(
            settings.plugin_folder(deployed.folder),
            dict(deployed.config),
            digest=deployed.digest,
            packages_digest=deployed.packages_digest,
            any_packages=settings.local,
        ),
        hosts=frozenset(deployed.hosts),
        secrets=deployed.secrets,
    )
