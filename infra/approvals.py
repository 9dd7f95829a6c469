"""Where humans answer: one function behind `/approvals/{plugin}/{run_id}`, for workflows that ask."""

from __future__ import annotations

from aws_cdk import Aws, Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.api import STAGE
from infra.chosen import Chosen
from infra.functions import Foundation, Lambda, PenstockFunction
from infra.plugins import Plugins
from infra.statements import HOUR, REQUEST, Statements
from infra.whereabouts import Whereabouts
from penstock.adapters.keys import approvals_key
from penstock.adapters.resources import link_secret
from penstock.configuration.settings import APPROVALS_URL, EVIDENCE_KEY
from penstock.configuration.snapshot import Snapshot
from penstock.front import APPROVALS

ANSWERS = f"{HOUR}/{REQUEST}.delivery.{{plugin}}.approval-*.json.gz"
TIMEOUT_S = 25  # API Gateway waits 29 s for an answer that does not stream


class Approvals(Construct):
    """`made`: the function, where a workflow asks a human. `asking`: the plugins of these workflows."""

    def __init__(
        self,
        scope: Construct,
        chosen: Chosen,
        where: Whereabouts,
        foundation: Foundation,
        plugins: Plugins,
        rest: apigateway.RestApi,
    ) -> None:
        super().__init__(scope, "Approvals")
        self.asking = asking(chosen.snapshot)
        self.made: list[PenstockFunction] = []
        if not self.asking:
            return
        own = Lambda(
            name=where.approvals_function(),
            package="approvals",
            statements=role_statements(self.asking, where),
            timeout_s=TIMEOUT_S,
            # An approver's digest stands beside those of the plugin's own steps, made with the same key.
            environment={EVIDENCE_KEY: where.names.delivery_key_secret},
        )
        self.made = [PenstockFunction(self, "Answering", foundation, own)]
        self._open(rest, self.made[0])
        domain = chosen.options.domain
        api = f"{rest.rest_api_id}.execute-api.{Aws.REGION}.{Aws.URL_SUFFIX}/{STAGE}"
        for name in self.asking:
            url = f"https://{domain.name if domain else api}"
            plugins.functions[name].function.add_environment(APPROVALS_URL, url)

    def _open(self, rest: apigateway.RestApi, answering: PenstockFunction) -> None:
        """Whole answers: API Gateway's other paths stream. Who may answer, the link's signature says."""
        integration = apigateway.LambdaIntegration(
            answering.function, allow_test_invoke=False, timeout=Duration.seconds(29)
        )
        plugin = rest.root.add_resource(APPROVALS).add_resource("{plugin}")
        run = plugin.add_resource("{run_id}")
        for method in ("GET", "HEAD", "POST"):
            run.add_method(method, integration, authorization_type=apigateway.AuthorizationType.NONE)


def asking(snapshot: Snapshot) -> list[str]:
    """Plugins whose workflows wait for a human's answer."""
    return sorted(plugin.name for plugin in snapshot.plugins.values() if plugin.asks_humans)


def role_statements(plugins: list[str], where: Whereabouts) -> list[iam.PolicyStatement]:
    """It alone answers, and it reads of a plugin's partition what the page shows."""
    give, machines = Statements(where), [where.state_machine(plugin) for plugin in plugins]
    secrets = [link_secret(where.deployment, plugin) for plugin in plugins]
    # Of its records one is read back only to be compared with what should have been stored.
    records = [where.evidence(ANSWERS.format(plugin=plugin)) for plugin in plugins]
    return [
        give.stored(["dynamodb:GetItem", "dynamodb:PutItem"], [approvals_key(plugin) for plugin in plugins]),
        give.stored(["dynamodb:GetItem"], plugins),
        give.read_secrets([*secrets, where.names.delivery_key_secret]),
        iam.PolicyStatement(actions=["s3:GetObject", "s3:PutObject"], resources=records),
        iam.PolicyStatement(actions=["states:SendTaskSuccess"], resources=machines),
    ]
