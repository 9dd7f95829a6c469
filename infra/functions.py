"""A Lambda function of ours: its role with exactly what it is given, its log group, its code."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.keys import KeyUse
from infra.log_groups import LogGroup
from penstock.errors import ConfigurationError

POLICY_CHARACTERS = 10_240  # of all inline policies of a role, white space aside (IAM quotas)
ENVIRONMENT_BYTES = 4096  # Lambda quotas
# What stands for partition, region, account or the services' domain until CloudFormation fills it in, and the
# longest of them: `amazonaws.com.cn`.
TOKEN = re.compile(r"\$\{Token\[[^]]+\]\}")
LONGEST = "amazonaws.com.cn"


@dataclass(frozen=True, slots=True)
class Foundation:
    """What all functions of a deployment share. `key`: of logs. `keys`: those of what is stored."""

    code: lambda_.Code
    environment: Mapping[str, str]
    key: kms.IKey
    log_days: int
    keys: KeyUse


@dataclass(frozen=True, slots=True, kw_only=True)
class Lambda:
    """What is a function's own. `package`: its folder in functions/. `extra`: arguments of CDK's Function."""

    name: str
    package: str
    statements: Sequence[iam.PolicyStatement]
    timeout_s: int = 60
    memory_mb: int = 512
    environment: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


class PenstockFunction(Construct):
    """Raises ConfigurationError for what CloudFormation would find out only in the middle of a deployment."""

    def __init__(self, scope: Construct, construct_id: str, foundation: Foundation, own: Lambda) -> None:
        super().__init__(scope, construct_id)
        variables = {**foundation.environment, **own.environment}
        statements = [*own.statements, *foundation.keys.statements(own.statements)]
        _check(own.name, statements, variables)
        self.logs = LogGroup(
            self, "Logs", name=f"/aws/lambda/{own.name}", key=foundation.key, days=foundation.log_days
        ).group
        self.role = iam.Role(
            self,
            "Role",
            description=f"What {own.name} may do",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"Own": iam.PolicyDocument(statements=[*statements, self._write_logs()])},
        )
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=own.name,
            code=foundation.code,
            handler=f"functions.{own.package}.handler.handler",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            runtime_management_mode=lambda_.RuntimeManagementMode.FUNCTION_UPDATE,
            # Without this, CDK would write into the role what it thinks the function needs.
            role=self.role.without_policy_updates(),
            log_group=self.logs,
            environment=variables,
            timeout=Duration.seconds(own.timeout_s),
            memory_size=own.memory_mb,
            **own.extra,
        )

    def _write_logs(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[self.logs.log_group_arn]
        )


def poll(function: PenstockFunction, queue_arn: str, *, batch_size: int, at_once: int | None = None) -> None:
    """Have Lambda give the queue's messages to the function; those that it names come back."""
    lambda_.EventSourceMapping(
        function,
        "Source",
        target=function.function,
        event_source_arn=queue_arn,
        batch_size=batch_size,
        max_concurrency=at_once,
        report_batch_item_failures=True,
    )


def _check(name: str, statements: Sequence[iam.PolicyStatement], variables: Mapping[str, str]) -> None:
    document = sum(_characters(statement) for statement in statements)
    if document > POLICY_CHARACTERS:
        remedy = "Spread the plugins over several deployments."
        arns = sum(len(statement.resources) for statement in statements)
        problem = f"would name {arns} resources, more than fit."
        raise ConfigurationError(f"the role of {name}", problem, remedy)
    size_bytes = sum(len(key) + len(value) for key, value in variables.items())
    if size_bytes > ENVIRONMENT_BYTES:
        remedy = "Give the deployment and its plugins shorter names."
        raise ConfigurationError(f"the environment of {name}", f"has {size_bytes} bytes of 4096.", remedy)


def _characters(statement: iam.PolicyStatement) -> int:
    """How long it is at most when it is filled in, with the comma after it."""
    written = json.dumps(statement.to_json(), separators=(",", ":"))
    return len(TOKEN.sub(LONGEST, written)) + 1
