"""State machines of plugins' workflows: one for each plugin, started by nobody but the plugin."""

from __future__ import annotations

from typing import Final

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.functions import Foundation
from infra.log_groups import LogGroup
from infra.whereabouts import Whereabouts
from penstock.configuration.snapshot import DeployedPlugin, Snapshot
from penstock.configuration.workflow import Machine, definition

# What Step Functions needs to set up a log (its Developer Guide, "Logging to CloudWatch Logs"); none of these
# actions takes a narrower resource.
LOG_SETUP: Final = tuple(
    f"logs:{action}"
    for action in (
        "CreateLogDelivery", "DeleteLogDelivery", "DescribeLogGroups", "DescribeResourcePolicies",
        "GetLogDelivery", "ListLogDeliveries", "PutResourcePolicy", "UpdateLogDelivery",
    )
)  # fmt: skip
FINDINGS: Final = {
    "SF1": "A log of every event would hold each run's ids twice: Step Functions keeps its history 90 days.",
    "SF2": "Nothing here is traced by X-Ray: what a step did is in its request's evidence.",
    "IAM5[Resource::*]": "What Step Functions asks of a role to set up its log takes no narrower resource.",
}


class Workflows(Construct):
    """`machines`: plugin → the construct of its state machine."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        snapshot: Snapshot,
        where: Whereabouts,
        foundation: Foundation,
    ) -> None:
        super().__init__(scope, construct_id)
        self.machines = {
            plugin.name: StateMachine(self, plugin.name, plugin=plugin, where=where, foundation=foundation)
            for plugin in snapshot.plugins.values()
            if plugin.workflow is not None
        }


class StateMachine(Construct):
    """Standard: it lasts for days, and each step is on record. `arn`: as its plugin's role names it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plugin: DeployedPlugin,
        where: Whereabouts,
        foundation: Foundation,
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = where.workflow(plugin.name)
        self.arn = where.state_machine(plugin.name)
        logs = LogGroup(
            self,
            "Logs",
            # A name that CloudWatch needs no policy of its own for.
            name=f"/aws/vendedlogs/states/{self.name}",
            key=foundation.key,
            days=foundation.log_days,
        ).group
        self.role = self._role(where, plugin.name, invoked(plugin, where))
        made = sfn.CfnStateMachine(
            self,
            "Machine",
            state_machine_name=self.name,
            state_machine_type="STANDARD",
            role_arn=self.role.role_arn,
            definition_string=definition(plugin.steps, machine_of(plugin, where)),
            logging_configuration=sfn.CfnStateMachine.LoggingConfigurationProperty(
                level="ERROR",
                include_execution_data=False,
                destinations=[
                    sfn.CfnStateMachine.LogDestinationProperty(
                        cloud_watch_logs_log_group=sfn.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                            log_group_arn=logs.log_group_arn
                        )
                    )
                ],
            ),
        )
        made.node.add_dependency(self.role)

    def _role(self, where: Whereabouts, plugin: str, functions: list[str]) -> iam.Role:
        """It may invoke the plugin's function and, for a human's answer, the approvals function."""
        arns = [where.function(function) for function in functions]
        trusted = iam.ServicePrincipal(
            "states.amazonaws.com",
            conditions={
                "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                "ArnEquals": {"aws:SourceArn": self.arn},
            },
        )
        given = [
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=arns),
            iam.PolicyStatement(actions=list(LOG_SETUP), resources=["*"]),
        ]
        return iam.Role(
            self,
            "Role",
            description=f"What the workflow of {plugin} may do",
            assumed_by=trusted,
            inline_policies={"Own": iam.PolicyDocument(statements=given)},
        )


def invoked(plugin: DeployedPlugin, where: Whereabouts) -> list[str]:
    """The functions that its steps invoke, by name."""
    asked = [where.approvals_function()] if plugin.steps.approvals else []
    done = [where.plugin_function(plugin.name)] if plugin.steps.done else []
    return [*done, *asked]


def machine_of(plugin: DeployedPlugin, where: Whereabouts) -> Machine:
    """What the definition names."""
    return Machine(
        plugin=plugin.name,
        digest=plugin.digest,
        function=where.plugin_function(plugin.name),
        approvals=where.approvals_function(),
        partition=Aws.PARTITION,
    )
