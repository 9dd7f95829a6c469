"""What the gateway's role may ask of Bedrock: `[[deployment.bedrock]]` as statements, and nothing wider.

bedrock-mantle    CreateInference, in one project, on models by name
bedrock           InvokeModel and InvokeModelWithResponseStream, on models by ARN; on the models behind an
                  inference profile in every region that it may lead to, but only through the profile

Sources: Bedrock user guide, "Making inference requests" (which actions each endpoint asks for) and
"Prerequisites for inference profiles"; Service Authorization Reference, "Amazon Bedrock" and "Amazon Bedrock
Powered by AWS Mantle" (resources, and the keys `bedrock:InferenceProfileArn` and `bedrock-mantle:Model`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from penstock.configuration.deployment import BedrockAccess

INVOKE: Final = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
INFER: Final = ("bedrock-mantle:CreateInference",)
ANY_REGION: Final = "A profile leads to regions of Bedrock's choice; models can be called through it only."


def statements(accesses: Sequence[BedrockAccess]) -> list[iam.PolicyStatement]:
    """Statements for the gateway's role."""
    return [statement for access in accesses for statement in _statements(access)]


def findings(accesses: Sequence[BedrockAccess]) -> dict[str, str]:
    """What cdk-nag finds in them that is meant so, with the reason."""
    profiles = {profile for access in accesses for profile in access.inference_profiles}
    return {
        f"IAM5[Resource::arn:<AWS::Partition>:bedrock:*::foundation-model/{_behind(profile)}]": ANY_REGION
        for profile in sorted(profiles)
    }


def _statements(access: BedrockAccess) -> Iterator[iam.PolicyStatement]:
    if access.service == "bedrock-mantle":
        projects = [_arn("bedrock-mantle", region, f"project/{access.project}") for region in access.regions]
        yield _allow(INFER, projects, {"StringEquals": {"bedrock-mantle:Model": sorted(access.models)}})
        return
    if access.models:
        yield _allow(INVOKE, [_model(region, name) for region in access.regions for name in access.models])
    if access.inference_profiles:
        profiles = [
            _arn("bedrock", region, f"inference-profile/{name}")
            for region in access.regions
            for name in access.inference_profiles
        ]
        yield _allow(INVOKE, profiles)
        models = sorted({_model("*", _behind(name)) for name in access.inference_profiles})
        yield _allow(INVOKE, models, {"StringEquals": {"bedrock:InferenceProfileArn": profiles}})


def _behind(profile: str) -> str:
    """The model that an inference profile is named after: `eu.anthropic.claude` is of `anthropic.claude`."""
    return profile.partition(".")[2]


def _arn(service: str, region: str, resource: str) -> str:
    return f"arn:{Aws.PARTITION}:{service}:{region}:{Aws.ACCOUNT_ID}:{resource}"


def _model(region: str, name: str) -> str:
    """Models of the foundation belong to no account."""
    return f"arn:{Aws.PARTITION}:bedrock:{region}::foundation-model/{name}"


def _allow(
    actions: Sequence[str], resources: Sequence[str], conditions: Mapping[str, object] | None = None
) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions)
