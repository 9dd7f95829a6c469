"""A synthesised template, read as what CloudFormation would be given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Template:
    """`content`: the template's JSON. `artifact`: what the cloud assembly's manifest says of its stack."""

    content: Mapping[str, Any]
    artifact: Mapping[str, Any]

    @property
    def resources(self) -> dict[str, Any]:
        """By logical id."""
        return dict(self.content["Resources"])

    def of(self, kind: str) -> dict[str, Any]:
        """Properties of each resource of the type `AWS::<kind>`, by logical id."""
        return {
            identity: resource["Properties"]
            for identity, resource in self.resources.items()
            if resource["Type"] == f"AWS::{kind}"
        }

    def only(self, kind: str) -> Any:
        """Properties of the one resource of its type."""
        (found,) = self.of(kind).values()
        return found

    def statements(self) -> list[dict[str, Any]]:
        """Every statement of every policy on a resource."""
        policies = [*self.of("S3::BucketPolicy").values(), *self.of("SQS::QueuePolicy").values()]
        return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
