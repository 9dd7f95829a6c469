"""What `cdk synth` wrote, read as AWS would make it: which functions there are, and what each consists of.

Source: the cloud assembly's own files (`manifest.json`, `*.template.json`, `*.assets.json`), and
CloudFormation's reference of `AWS::Lambda::Function`, `LayerVersion` and `EventSourceMapping`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from penstock.dev.environments import ACCOUNT_ID, REGION
from penstock.errors import ConfigurationError

# What CloudFormation fills in, in one account and region (its reference, "Pseudo parameters").
PSEUDO: Final = {
    "AWS::AccountId": ACCOUNT_ID,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}
AGAIN: Final = "Write it anew with `make synth`."


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFunction:
    """One function of the stacks. `code`, `layers`: folders that hold what was to be uploaded."""

    name: str
    handler: str
    runtime: str
    """As Lambda names it: "python3.13"."""
    architecture: str
    """"arm64" or "x86_64"."""
    timeout_s: float
    variables: Mapping[str, str]
    role: str
    """The ARN, with the role's logical id for the name that CloudFormation will make."""
    code: Path
    layers: tuple[Path, ...]
    aliases: tuple[str, ...] = ()
    """All of which lead to this code: there is one version of it here."""


class CloudAssembly:
    """The stacks in one folder. `layers`: ARN → folder, of registered layers that are on this machine.

    Raises:
        ConfigurationError: there are none, or a function needs what is not in them.
    """

    def __init__(self, folder: Path, layers: Mapping[str, Path] | None = None) -> None:
        self._folder = folder
        self._registered = layers or {}
        self.resources: Mapping[str, Any] = dict(self._resources())
        self._assets = dict(self._staged())

    def functions(self) -> tuple[StackFunction, ...]:
        """In the order of their names. Those that are not Penstock's, as CDK's own, are left out."""
        every = self._of("AWS::Lambda::Function").items()
        found = {name: p for name, p in every if "PENSTOCK_SNAPSHOT" in _variables(p)}
        if not found:
            raise ConfigurationError(str(self._folder), "holds no function of Penstock.", AGAIN)
        made = (self._function(name, properties) for name, properties in found.items())
        return tuple(sorted(made, key=lambda function: function.name))

    def bucket(self) -> str:
        """The name of the evidence bucket."""
        return next(name for name in self.buckets() if "-evidence-" in name)

    def buckets(self) -> tuple[str, ...]:
        """The names of all."""
        return tuple(self.filled(bucket["BucketName"]) for bucket in self._of("AWS::S3::Bucket").values())

    def machines(self) -> dict[str, str]:
        """State machines: name → definition."""
        found = self._of("AWS::StepFunctions::StateMachine").values()
        return {each["StateMachineName"]: self.filled(each["DefinitionString"]) for each in found}

    def filled(self, value: Any) -> str:
        """A property as CloudFormation fills it in. Raises ConfigurationError for what only AWS knows."""
        match value:
            case str() | int() | float():
                return str(value)
            case {"Fn::Join": [separator, parts]}:
                return str(separator).join(map(self.filled, parts))
            case {"Ref": str() as name} if name in PSEUDO:
                return PSEUDO[name]
            case {"Ref": str() as name} if self._kind(name) == "AWS::ApiGateway::RestApi":
                return name
            case {"Fn::GetAtt": [role, "Arn"]} if self._kind(role) == "AWS::IAM::Role":
                return f"arn:aws:iam::{ACCOUNT_ID}:role/{role}"
        problem = f"has {json.dumps(value)}, which only a deployment knows."
        raise ConfigurationError(str(self._folder), problem, "It cannot run on this machine.")

    def _function(self, identity: str, properties: Mapping[str, Any]) -> StackFunction:
        return StackFunction(
            name=self.filled(properties["FunctionName"]),
            handler=properties["Handler"],
            runtime=properties["Runtime"],
            architecture=properties["Architectures"][0],
            timeout_s=float(properties["Timeout"]),
            variables={name: self.filled(value) for name, value in _variables(properties).items()},
            role=self.filled(properties["Role"]),
            code=self._asset(properties["Code"]),
            layers=tuple(map(self._layer, properties.get("Layers", ()))),
            aliases=tuple(self._aliases(identity)),
        )

    def _aliases(self, identity: str) -> Iterator[str]:
        """The names by which a function is invoked besides its own."""
        for alias in self._of("AWS::Lambda::Alias").values():
            if alias["FunctionName"] == {"Ref": identity}:
                yield self.filled(alias["Name"])

    def _layer(self, reference: Any) -> Path:
        match reference:
            case {"Ref": str() as name} if self._kind(name) == "AWS::Lambda::LayerVersion":
                return self._asset(self.resources[name]["Properties"]["Content"])
            case str() as arn if arn in self._registered:
                return self._registered[arn]
        problem = f"has a layer whose content is in AWS alone: {json.dumps(reference)}."
        remedy = "Name its plugin by `path` to run it on this machine, or register it from here again."
        raise ConfigurationError(str(self._folder), problem, remedy)

    def _asset(self, code: Mapping[str, Any]) -> Path:
        digest = str(code["S3Key"]).removesuffix(".zip")
        folder = self._assets.get(digest)
        if folder is None or not folder.is_dir():
            raise ConfigurationError(str(self._folder), f"lacks the asset {digest}.", AGAIN)
        return folder

    def _of(self, kind: str) -> dict[str, Any]:
        """Properties of the resources of a type, by logical id."""
        named = self.resources.items()
        return {name: resource["Properties"] for name, resource in named if resource["Type"] == kind}

    def _kind(self, name: str) -> str:
        return str(self.resources.get(name, {}).get("Type", ""))

    def _resources(self) -> Iterator[tuple[str, Any]]:
        for stack in self._stacks():
            yield from self._read(stack["properties"]["templateFile"])["Resources"].items()

    def _stacks(self) -> Sequence[Mapping[str, Any]]:
        artifacts = self._read("manifest.json")["artifacts"].values()
        return [found for found in artifacts if found["type"] == "aws:cloudformation:stack"]

    def _staged(self) -> Iterator[tuple[str, Path]]:
        for path in sorted(self._folder.glob("*.assets.json")):
            for digest, asset in self._read(path.name)["files"].items():
                yield digest, (self._folder / asset["source"]["path"]).resolve()

    def _read(self, name: str) -> Any:
        try:
            return json.loads((self._folder / name).read_bytes())
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                str(self._folder), f"holds no {name} that can be read.", AGAIN
            ) from error


def _variables(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = properties.get("Environment", {}).get("Variables", {})
    return found
