"""Log groups: encrypted, kept for as long as gateway.toml says, gone with the stack. They hold no content."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct


class LogGroup(Construct):
    """`group`: the log group."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str, key: kms.IKey, days: int) -> None:
        super().__init__(scope, construct_id)
        self.group = logs.LogGroup(
            self, "Group", log_group_name=name, encryption_key=key, removal_policy=RemovalPolicy.DESTROY
        )
        # CDK knows the lengths by names of its own; `LogDays` has CloudWatch's numbers.
        self.group.node.default_child.retention_in_days = days
