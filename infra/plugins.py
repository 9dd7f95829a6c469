"""Plugins: one layer for all in the gateway's process, a function with a layer for each of the others."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import placed
from infra.asset import code_of
from infra.chosen import Chosen
from infra.functions import Foundation, Lambda, PenstockFunction, poll
from infra.layers import PYTHONPATH, plugin_layer
from infra.staging import Staged, check_size
from infra.statements import Statements
from infra.whereabouts import Whereabouts
from penstock.configuration.snapshot import DeployedPlugin

# Of one plugin's deliveries at a time: a receiver that is slow shall not take the account's concurrency.
AT_ONCE = 10


class Plugins(Construct):
    """`bundle`: the gateway's layer, if any. `called`: functions that it calls. `queues`: name by plugin."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        chosen: Chosen,
        where: Whereabouts,
        foundation: Foundation,
        core: Staged,
    ) -> None:
        super().__init__(scope, construct_id)
        snapshot, folders = chosen.snapshot, chosen.plugin_folders
        deployment = where.deployment
        once = placed.delivered_once(snapshot)
        inside = {name: folders[name] for name in placed.in_process(snapshot)}
        self.bundle = (
            [Layer(self, "InProcess", name=f"{deployment}-in-process", folders=inside, core=core).version]
            if inside
            else []
        )
        self.called = [where.plugin_function(name) for name in placed.called(snapshot)]
        self.functions: dict[str, PenstockFunction] = {}
        self.queues: dict[str, str] = {}
        for plugin in placed.in_function(snapshot):
            one = Construct(self, plugin.name)
            name = where.plugin_function(plugin.name)
            layer = Layer(one, "Layer", name=name, folders={plugin.name: folders[plugin.name]}, core=core)
            host = PluginFunction(
                one,
                "Host",
                plugin=plugin,
                once=plugin.name in once,
                layer=layer,
                where=where,
                foundation=foundation,
            )
            self.functions[plugin.name] = host.made
            if plugin.in_background:
                self.queues[plugin.name] = where.plugin_queue(plugin.name)


class Layer(Construct):
    """A layer version for some plugins (name → folder), that fits beside the core."""

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, folders: dict[str, Path], core: Staged
    ) -> None:
        super().__init__(scope, construct_id)
        staged = plugin_layer(folders)
        check_size(f"the function with layer {name}", {"core": core.size_bytes, "layer": staged.size_bytes})
        self.version = lambda_.LayerVersion(
            self,
            "Version",
            layer_version_name=name,
            code=code_of(staged),
            compatible_architectures=[lambda_.Architecture.ARM_64],
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
            description=f"Plugins: {', '.join(folders)}"[:256],
        )


class PluginFunction(Construct):
    """One plugin behind a wall of IAM: what its role has not, its code has not."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plugin: DeployedPlugin,
        once: bool,
        layer: Layer,
        where: Whereabouts,
        foundation: Foundation,
    ) -> None:
        super().__init__(scope, construct_id)
        give, name = Statements(where), plugin.name
        queue = where.plugin_queue(name)
        statements, secrets = [], list(plugin.secrets.values())
        if plugin.in_background:
            statements = [give.consume(queue), give.store_deliveries(name), give.find_deliveries(name)]
            secrets.append(where.names.evidence_key_secret)
        if once:
            statements.append(give.claim_deliveries(name))
        if secrets:
            statements.append(give.read_secrets(secrets))
        own = Lambda(
            name=where.plugin_function(name),
            package="plugin_host",
            statements=statements,
            environment={"PENSTOCK_PLUGIN": name, "PYTHONPATH": PYTHONPATH},
            extra={"layers": [layer.version]},
        )
        self.made = PenstockFunction(self, "Function", foundation, own)
        if plugin.in_background:
            # One by one: behind a receiver that hangs, the rest of a batch would be received and never tried.
            poll(self.made, where.queue(queue), batch_size=1, at_once=AT_ONCE)
