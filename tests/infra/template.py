"""A synthesised cloud assembly and its templates, read as what CloudFormation would be given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
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

    @property
    def outputs(self) -> dict[str, Any]:
        return {name: output["Value"] for name, output in self.content["Outputs"].items()}

    def of(self, kind: str) -> dict[str, Any]:
        """Properties of each resource of the type `AWS::<kind>`, by logical id."""
        return {
            identity: resource.get("Properties", {})
            for identity, resource in self.resources.items()
            if resource["Type"] == f"AWS::{kind}"
        }

    def only(self, kind: str) -> Any:
        """Properties of the one resource of its type."""
        (found,) = self.of(kind).values()
        return found

    def named(self, kind: str, key: str) -> dict[str, Any]:
        """Properties of each resource of a type, by the value of one of them."""
        return {plain(properties[key]): properties for properties in self.of(kind).values()}

    def about(self, identity: str) -> dict[str, dict[str, Any]]:
        """Properties by type of the resources whose logical id begins so: the parts of one construct."""
        return {
            resource["Type"].removeprefix("AWS::"): resource["Properties"]
            for name, resource in self.resources.items()
            if name.startswith(identity)
        }

    def statements(self) -> list[dict[str, Any]]:
        """Every statement of every policy on a resource."""
        policies = [*self.of("S3::BucketPolicy").values(), *self.of("SQS::QueuePolicy").values()]
        return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


class Assembly:
    """One configuration's stacks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"]

    def stack(self, name: str) -> Template:
        content = json.loads((self.folder / f"{name}.template.json").read_text())
        return Template(content, self.artifacts[name])

    def stacks(self) -> dict[str, Template]:
        named = [n for n, found in self.artifacts.items() if found["type"] == "aws:cloudformation:stack"]
        return {name: self.stack(name) for name in named}

    def assets(self) -> dict[str, Path]:
        """Digest → folder, over all stacks."""
        found: dict[str, Path] = {}
        for path in self.folder.glob("*.assets.json"):
            for digest, asset in json.loads(path.read_text())["files"].items():
                if asset["source"]["packaging"] == "zip":
                    found[digest] = (self.folder / asset["source"]["path"]).resolve()
        return found


PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Region": "eu-central-1",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}


def plain(value: Any) -> str:
    """A property as CloudFormation would fill it in, in one account; a reference as `${logical id}`."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(plain(part) for part in parts)
        case {"Ref": name}:
            return PSEUDO.get(name, f"${{{name}}}")
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
    return str(value)
