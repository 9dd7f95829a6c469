"""The gateway's function."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import bedrock
from infra.chosen import Chosen
from infra.functions import Foundation, Lambda, PenstockFunction
from infra.layers import PYTHONPATH
from infra.plugins import Plugins
from infra.secrets import told_secrets
from infra.statements import Statements
from infra.whereabouts import Whereabouts
from penstock.configuration.settings import PLUGIN

TIMEOUT_S = 900  # Lambda's longest; a stream may take as long as API Gateway's integration
WRAPPER = "/var/task/penstock/runtime/exec-wrapper"


class Gateway(Construct):
    """`alias`: the version that callers reach. Those before it stay, so that one can go back to them.
    `bedrock`: what it may ask there.

    Its role reads control, opens intents, sends to the outbox, reads the evidence key and providers' keys,
    invokes the plugins that have a function of their own, and calls those models of Bedrock that the
    deployment names. It cannot read evidence, nor change what bounds it: no control table, no code, no role.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        where: Whereabouts,
        foundation: Foundation,
        chosen: Chosen,
        plugins: Plugins,
    ) -> None:
        super().__init__(scope, construct_id)
        self.bedrock = chosen.options.bedrock
        options = chosen.options.function
        on = lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS
        own = Lambda(
            name=f"{where.deployment}-gateway",
            package="gateway",
            statements=[
                *_statements(where, told_secrets(chosen), plugins.called),
                *bedrock.statements(chosen.options.bedrock),
            ],
            timeout_s=TIMEOUT_S,
            memory_mb=options.memory_mb,
            environment={
                "AWS_LAMBDA_EXEC_WRAPPER": WRAPPER,
                "PENSTOCK_PLUGIN_FUNCTION": where.plugin_function(PLUGIN),
                "PENSTOCK_STREAMING": "1",
                "PYTHONPATH": PYTHONPATH,
            },
            extra={
                "layers": plugins.bundle,
                "snap_start": on if options.snapstart else None,
                "reserved_concurrent_executions": options.reserved_concurrency,
                "current_version_options": lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
            },
        )
        self.made = PenstockFunction(self, "Gateway", foundation, own)
        version = self.made.function.current_version
        self.alias = lambda_.Alias(self, "Live", alias_name="live", version=version)


def _statements(
    where: Whereabouts, secrets: Sequence[str], functions: Sequence[str]
) -> list[iam.PolicyStatement]:
    give = Statements(where)
    given = [
        give.read_control(),
        give.open_intents(),
        give.send([where.names.outbox]),
        give.read_secrets([where.names.evidence_key_secret, *secrets]),
        give.read_upstream_secrets(),
    ]
    return [*given, give.invoke(functions)] if functions else given
