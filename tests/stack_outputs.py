"""CloudFormation as far as the command line asks it. (moto's needs packages that nothing else here needs.)"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

REGION = "eu-central-1"


@dataclass
class Stacks:
    """Name → outputs."""

    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    meta: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(region_name=REGION))

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        if StackName not in self.outputs:
            said = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": said}}, "DescribeStacks")
        told = self.outputs[StackName].items()
        listed = [{"OutputKey": key, "OutputValue": value} for key, value in told]
        return {"Stacks": [{"StackName": StackName} | ({"Outputs": listed} if listed else {})]}
