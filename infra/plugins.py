"""Plugins: the layers of those in the gateway's process, a function with its layer for each of the others."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra import placed
from infra.attached import Layers
from infra.chosen import Chosen
from infra.egress import ENFORCED, Egress, Wall
from infra.functions import Foundation, Lambda, PenstockFunction, poll
from infra.layers import PYTHONPATH
from infra.staging import Staged
from infra.statements import Statements
from infra.whereabouts import Whereabouts
from penstock.adapters.resources import dead_queue, link_secret
from penstock.configuration.settings import EVIDENCE_KEY, EXPORTS_BUCKET, WORKFLOW
from penstock.configuration.snapshot import DeployedPlugin, Snapshot

# Of one plugin's deliveries at a time: a receiver that is slow shall not take the account's concurrency.
AT_ONCE = 10


class Plugins(Construct):
    """`bundle`: the gateway's layers. `called`: functions that it calls. `queues`: name by plugin."""

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
        snapshot = chosen.snapshot
        deployment = where.deployment
        inside, together = placed.in_process(snapshot), f"{deployment}-in-process"
        self.bundle = Layers(
            self, "InProcess", name=together, plugins=inside, chosen=chosen, core=core
        ).versions
        self.called = [where.plugin_function(name) for name in placed.called(snapshot)]
        self.functions: dict[str, PenstockFunction] = {}
        self.queues: dict[str, str] = {}
        hosted = placed.in_function(snapshot)
        given = {plugin.name: role_statements(plugin, snapshot, where) for plugin in hosted}
        self.egress: Egress | None = None
        if hosted and chosen.options.egress == ENFORCED:
            self.egress = Egress(
                self, "Egress", chosen=chosen, where=where, foundation=foundation, given=given
            )
        for plugin in hosted:
            one = Construct(self, plugin.name)
            name = where.plugin_function(plugin.name)
            layers = Layers(one, "Layer", name=name, plugins=[plugin.name], chosen=chosen, core=core)
            wall = self.egress.wall(plugin.name) if self.egress else Wall()
            own = Lambda(
                name=name,
                package="plugin_host",
                statements=[*given[plugin.name], *wall.statements],
                timeout_s=placed.function_timeout_s(snapshot, plugin),
                environment={**_told(plugin, where), **wall.environment},
                extra={"layers": layers.versions, **wall.extra},
            )
            queue = where.plugin_queue(plugin.name) if plugin.in_background else None
            source = where.queue(queue) if queue else None
            self.functions[plugin.name] = PluginFunction(one, "Host", foundation, own, source).made
            if queue:
                self.queues[plugin.name] = queue

    @property
    def senders(self) -> list[PenstockFunction]:
        """The egress function, where there is one."""
        return [self.egress.sender] if self.egress and self.egress.sender else []


class PluginFunction(Construct):
    """One plugin behind a wall of IAM, and of the network where `egress = "enforced"`.

    `queue_arn`: of its queue, when it works in the background.
    """

    def __init__(
        self, scope: Construct, construct_id: str, foundation: Foundation, own: Lambda, queue_arn: str | None
    ) -> None:
        super().__init__(scope, construct_id)
        self.made = PenstockFunction(self, "Function", foundation, own)
        if queue_arn:
            # One by one: behind a receiver that hangs, the rest of a batch would be received and never tried.
            poll(self.made, queue_arn, batch_size=1, at_once=AT_ONCE)


def _told(plugin: DeployedPlugin, where: Whereabouts) -> dict[str, str]:
    """What its function is told besides what all are."""
    exports = {EXPORTS_BUCKET: where.exports_bucket} if plugin.exports else {}
    digests = {EVIDENCE_KEY: where.names.delivery_key_secret}
    workflow = {WORKFLOW: where.state_machine(plugin.name)} if plugin.workflow is not None else {}
    return {"PENSTOCK_PLUGIN": plugin.name, "PYTHONPATH": PYTHONPATH, **digests, **exports, **workflow}


def role_statements(
    plugin: DeployedPlugin, snapshot: Snapshot, where: Whereabouts
) -> list[iam.PolicyStatement]:
    """What a plugin's role has, and with it its code: no less and no more.

    Who is only called at gates has no queue, reads no evidence and has no digests' key: only its own secrets.
    """
    give, name = Statements(where), plugin.name
    queue = where.plugin_queue(name)
    statements, links = [], [link_secret(where.deployment, name)] if plugin.asks_humans else []
    secrets = [*plugin.secrets.values(), *links]
    if plugin.in_background:
        statements = [give.consume(queue), give.send([dead_queue(queue)])]
    if plugin.in_background or plugin.workflow is not None:
        statements.append(give.store_deliveries(name))
        secrets.append(where.names.delivery_key_secret)
    if name in placed.delivered_once(snapshot):
        statements.append(give.claim_deliveries(name))
    if name in placed.delivered_once(snapshot) or name in snapshot.waited or plugin.workflow is not None:
        statements.append(give.find_deliveries(name))
    if secrets:
        statements.append(give.read_secrets(secrets))
    if plugin.workflow is not None:
        statements.append(give.start_workflow(name))
    # What a run was started with is kept there until the run is over.
    if plugin.storage or plugin.workflow is not None:
        statements.append(give.use_storage(name))
    if plugin.email_from is not None:
        statements.append(give.send_email(plugin.email_from, plugin.email_to))
    if plugin.exports:
        statements.append(give.leave_exports(name))
    return statements
