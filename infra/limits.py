"""CloudFormation's bound on a stack, said with what to do, before CDK only counts."""

from __future__ import annotations

from typing import Final

from aws_cdk import CfnResource, Stack

from infra.chosen import Chosen
from penstock.errors import ConfigurationError

RESOURCES: Final = 500  # of one stack (CloudFormation quotas)
LATE: Final = 2  # CDK adds some of its own while it synthesises


def check_resources(chosen: Chosen, *stacks: Stack) -> None:
    """Raises ConfigurationError when a stack has more than CloudFormation takes."""
    for stack in stacks:
        count = sum(CfnResource.is_cfn_resource(node) for node in stack.node.find_all())
        where = f"{chosen.source.path}: the stack {stack.stack_name}"
        refuse_more(where, count + LATE, len(chosen.snapshot.plugins))


def refuse_more(where: str, count: int, plugins: int) -> None:
    if count > RESOURCES:
        problem = f"would have {count} resources with {plugins} plugins, and {RESOURCES} are the most."
        remedy = "Run plugins in the gateway's process, or spread them over several deployments."
        raise ConfigurationError(where, problem, remedy)
