"""What runs: API, functions, alarms. Nothing here must outlast it: `cdk destroy` takes all of it."""

from __future__ import annotations

import os

from aws_cdk import Annotations, CfnOutput, Stack
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from infra.api import Api
from infra.approvals import Approvals
from infra.asset import SNAPSHOT, TASK, code_of, function_asset
from infra.attached import check_layers
from infra.background import Recorder, Sealer, Sweeper
from infra.chosen import Chosen
from infra.dashboard import Dashboard
from infra.domain import Domain
from infra.firewall import Firewall
from infra.functions import Foundation, PenstockFunction
from infra.gateway import Gateway
from infra.limits import check_resources
from infra.operations import Alarms, OperationsKey
from infra.packages import PACKAGES
from infra.plugins import Plugins
from infra.secrets import key_use, told_secrets
from infra.whereabouts import Whereabouts
from infra.workflows import Workflows
from penstock.adapters.resources import dead_queue
from penstock.configuration.settings import LAYERS

ERRORS_IN_5_MINUTES = 5
SEALED_WITHIN_H = 3
SWEPT_WITHIN_MIN = 30  # six runs
RECORDED_WITHIN_S = 900  # later than two tries of a message
NOT_COMPILED = "There is no Python 3.13 here to compile the functions with: they start a second or two later."


class ComputeStack(Stack):
    """Made of the compiled configuration; deployed after `data`, whose resources it finds by their names."""

    def __init__(self, scope: Construct, construct_id: str, chosen: Chosen, data: Stack) -> None:
        super().__init__(scope, construct_id, description="Penstock: API, functions, alarms")
        self.add_stack_dependency(data)
        self.where = where = Whereabouts(chosen.snapshot.deployment)
        self._chosen = chosen
        check_layers(chosen, os.environ)
        core = function_asset(chosen.compiled.raw)
        if not core.compiled:
            Annotations.of(self).add_warning_v2("penstock:not-compiled", NOT_COMPILED)
        variables = where.resources().settings(f"{TASK}/{SNAPSHOT}", (LAYERS,)).environment()
        del variables["AWS_REGION"]  # Lambda's own
        self._key = OperationsKey(self, "OperationsKey", where).key
        days, keys = chosen.options.retention.log_days, key_use(chosen, where)
        foundation = Foundation(code_of(core), variables, self._key, days, keys)
        self.plugins = Plugins(self, "Plugins", chosen=chosen, where=where, foundation=foundation, core=core)
        self.workflows = Workflows(
            self, "Workflows", snapshot=chosen.snapshot, where=where, foundation=foundation
        )
        self.gateway = Gateway(
            self,
            "Gateway",
            where=where,
            foundation=foundation,
            chosen=chosen,
            plugins=self.plugins,
        )
        queues = list(self.plugins.queues.values())
        self.recorder = Recorder(self, "Recorder", where=where, foundation=foundation, plugin_queues=queues)
        self.sweeper = Sweeper(self, "Sweeper", where=where, foundation=foundation, plugin_queues=queues)
        self.sealer = Sealer(self, "Sealer", where=where, foundation=foundation)
        self.api = Api(
            self,
            "Api",
            deployment=where.deployment,
            function=self.gateway.alias,
            options=chosen.options,
            key=self._key,
            takes_bytes=bool(chosen.snapshot.routes),
        )
        self.approvals = Approvals(self, chosen, where, foundation, self.plugins, self.api.rest)
        self._surround()
        self._watch()
        check_resources(chosen, data, self)

    def functions(self) -> list[PenstockFunction]:
        """All of ours."""
        own = [self.gateway.made, self.recorder.made, self.sweeper.made, self.sealer.made]
        return [*own, *self.plugins.functions.values(), *self.plugins.senders, *self.approvals.made]

    def _surround(self) -> None:
        """What stands before the API, and where callers find it."""
        options, rest = self._chosen.options, self.api.rest
        if options.firewall:
            stage = rest.deployment_stage.stage_arn
            Firewall(
                self, "Firewall", deployment=self.where.deployment, options=options.firewall, stage_arn=stage
            )
        url = rest.url_for_path("/v1")
        if options.domain:
            target = Domain(self, "Domain", options=options.domain, rest=rest).target
            CfnOutput(self, "DomainTarget", value=target, description="What your name points to")
            url = f"https://{options.domain.name}/v1"
        CfnOutput(self, "BaseUrl", value=url, description="base_url of OpenAI's clients")

    def _watch(self) -> None:
        deployment, names = self.where.deployment, self.where.names
        alarms = Alarms(self, "Alarms", deployment=deployment, key=self._key)
        alarms.server_errors("ServerErrors", self.api.server_errors(), ERRORS_IN_5_MINUTES)
        alarms.dead_letters("OutboxDead", dead_queue(names.outbox), "evidence redrive")
        for plugin, queue in self.plugins.queues.items():
            alarms.dead_letters(f"{plugin}Dead", dead_queue(queue), f"plugin redrive {plugin}")
        for plugin, machine in self.workflows.machines.items():
            alarms.workflow(plugin, machine.arn)
        lost = "A request's evidence cannot be closed as it stands. The sweeper's log names the request."
        alarms.logged("EvidenceLost", self.sweeper.made.logs, "EvidenceLost", 1, lost)
        failing = "Plugins fail. Who, and how: the dashboard, then `penstock evidence show` of a request."
        alarms.logged("PluginErrors", self.recorder.made.logs, "PluginErrors", ERRORS_IN_5_MINUTES, failing)
        unsealed = (
            "No hour of evidence was sealed for three. The sealer's log says why. Once when it is deployed."
        )
        unswept = "The sweeper has not ended well for 30 minutes. Its log says why. Once when it is deployed."
        alarms.idle("Unswept", self.sweeper.made.function, SWEPT_WITHIN_MIN, unswept)
        unrecorded = "Outcomes wait in the outbox for a quarter of an hour. The recorder's log says why."
        alarms.waiting("Unrecorded", names.outbox, RECORDED_WITHIN_S, unrecorded)
        alarms.silent("Unsealed", self.sealer.made.logs, "EvidenceSeals", SEALED_WITHIN_H, unsealed)
        queues = list(self.plugins.queues.values())
        Dashboard(self, "Dashboard", where=self.where, api=self.api.rest, queues=queues)
        CfnOutput(self, "AlarmTopic", value=alarms.topic.topic_arn, description="Subscribe to it")
        self._tell_command_line()
        kept = f"{deployment}-data, which `cdk destroy` leaves: evidence, ledger, keys, queues, secrets"
        CfnOutput(self, "Kept", value=kept, description="What outlives this stack")

    def _tell_command_line(self) -> None:
        """What `penstock … --stack` reads: the snapshot as an asset of its own, of this very deployment."""
        path = PACKAGES / "snapshots" / f"{self._chosen.snapshot.digest.partition(':')[2]}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self._chosen.compiled.raw)
        asset = Asset(self, "Snapshot", path=str(path))
        CfnOutput(
            self, "SnapshotAt", value=asset.s3_object_url, key="Snapshot", description="What is deployed"
        )
        told = told_secrets(self._chosen)
        if told:
            CfnOutput(
                self, "UpstreamSecrets", value=",".join(told), description="Besides those below its prefix"
            )
