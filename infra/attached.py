"""The layers of one function: one made here of its plugins by path, and each registered one as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.asset import code_of
from infra.chosen import Chosen
from infra.layers import modules_of, plugin_layer
from infra.staging import Staged, check_size
from penstock.configuration.layer import NAMESPACE, digests_of
from penstock.configuration.lock import Registered, layer_name, lock_path
from penstock.configuration.requirements import check_together
from penstock.configuration.snapshot import DeployedPlugin
from penstock.errors import ConfigurationError

LAYERS: Final = 5  # of a function (Lambda quotas)


class Layers(Construct):
    """`versions`: what the function is given, for `plugins`. Raises ConfigurationError for more than fits."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        plugins: Sequence[str],
        chosen: Chosen,
        core: Staged,
    ) -> None:
        super().__init__(scope, construct_id)
        registered = {plugin: chosen.registered[plugin] for plugin in plugins if plugin in chosen.registered}
        folders = {plugin: chosen.plugin_folders[plugin] for plugin in plugins if plugin not in registered}
        check_count(chosen.place_of(next(reversed(registered), "")), list(folders), list(registered))
        check_packages(folders, registered, chosen)
        sizes = {"core": core.size_bytes} | {
            plugin: entry.unpacked_bytes for plugin, entry in registered.items()
        }
        self.versions: list[lambda_.ILayerVersion] = []
        if folders:
            staged = plugin_layer(folders, base=chosen.base)
            for plugin, folder in folders.items():
                laid_out = staged.folder / NAMESPACE / folder.name
                check_digests(chosen.place_of(plugin), laid_out, chosen.snapshot.plugins[plugin])
            sizes["layer"] = staged.size_bytes
            self.versions.append(self._made(name, staged, list(folders)))
        check_size(f"the function with layer {name}", sizes)
        for plugin, entry in registered.items():
            named = lambda_.LayerVersion.from_layer_version_arn(self, f"By{plugin}", entry.layer)
            self.versions.append(named)

    def _made(self, name: str, staged: Staged, plugins: Sequence[str]) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            "Version",
            layer_version_name=name,
            code=code_of(staged),
            compatible_architectures=[lambda_.Architecture.ARM_64],
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
            description=f"Plugins: {', '.join(plugins)}"[:256],
        )


def check_count(where: str, by_path: Sequence[str], registered: Sequence[str]) -> None:
    """Raises ConfigurationError for more layers than Lambda attaches to one function."""
    count = bool(by_path) + len(registered)
    if count > LAYERS:
        problem = f"its function would have {count} layers, and {LAYERS} are the most: "
        problem += f"{', '.join(registered)} are one each"
        problem += ", all plugins by path are one together." if by_path else "."
        remedy = 'Give some of them `path`, which puts them into one layer, or host = "function".'
        raise ConfigurationError(where, problem, remedy)


def check_layers(chosen: Chosen, environment: Mapping[str, str]) -> None:
    """What the lock says of layers is held against each other, and against where the CLI deploys to.

    `environment`: CDK's CLI puts account and region into it when it has credentials. Raises
    ConfigurationError: Lambda would refuse such a layer in the middle of a deployment, or take another one.
    """
    wanted = environment.get("CDK_DEFAULT_REGION", ""), environment.get("CDK_DEFAULT_ACCOUNT", "")
    first: tuple[str, str] | None = None
    for plugin, entry in chosen.registered.items():
        partition, region, account, name = _of_layer(entry.layer)
        first = first or (partition, region)
        if name != layer_name(plugin):
            problem = f"is a layer called {name!r}, and that of {plugin!r} is called {layer_name(plugin)!r}."
        elif (partition, region) != first:
            problem = f"is in {region} ({partition}), another plugin's layer in {first[1]} ({first[0]})."
        elif wanted[0] not in {"", region}:
            problem = f"is in {region}, and this deployment goes to {wanted[0]}."
        elif wanted[1] not in {"", account}:
            problem = f"is of account {account}, and this deployment goes to {wanted[1]}."
        else:
            continue
        remedy = f"Run `penstock plugin register` for {plugin} with the account and region of the deployment."
        raise ConfigurationError(f"{lock_path(chosen.source.path)}: {plugin}.layer", problem, remedy)


def _of_layer(arn: str) -> tuple[str, str, str, str]:
    """Partition, region, account and name of a layer's version."""
    _, partition, _, region, account, _, name, _ = arn.split(":")
    return partition, region, account, name


def check_digests(where: str, folder: Path, deployed: DeployedPlugin) -> None:
    """Raises ConfigurationError for other files than were compiled: no environment would load them."""
    if digests_of(folder) != (deployed.digest, deployed.packages_digest):
        problem = "its files changed while the stacks were made."
        raise ConfigurationError(where, problem, "Synthesise again, when nobody edits them.")


def check_packages(folders: Mapping[str, Path], registered: Mapping[str, Registered], chosen: Chosen) -> None:
    """What is in one process goes together, also with the packages of the built-in plugins."""
    brought = {plugin: dict(entry.modules) for plugin, entry in registered.items()}
    brought |= {plugin: modules_of(folder, chosen.base) for plugin, folder in folders.items()}
    check_together(brought, chosen.place_of)
