"""CloudFormation's bound on a stack, said with what to do, before CDK only counts."""

from __future__ import annotations

from typing import Final

from aws_cdk import CfnResource, Stack

from penstock.errors import ConfigurationError

RESOURCES: Final = 500  # of one stack (CloudFormation quotas)
LATE: Final = 2  # CDK adds some of its own while it synthesises


def check_resources(plugins: int, *stacks: Stack) -> None:
    """Raises ConfigurationError when a stack of so many plugins has more than CloudFormation takes."""
    for stack in stacks:
        count = sum(CfnResource.is_cfn_resource(node) for node in stack.node.find_all())
        refuse_more(stack.stack_name, count + LATE, plugins)


def refuse_more(stack: str, count: int, plugins: int) -> None:
    if count > RESOURCES:
        problem = f"would have {count} resources with {plugins} plugins, and {RESOURCES} are the most."
        remedy = "Run plugins in the gateway's process, or spread them over several deployments."
        raise ConfigurationError(f"the stack {stack}", problem, remedy)
