"""What a deployment's role may ask of Bedrock: what is named, and nothing where nothing is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.aws.account import Account
from tests.aws.policies import ACCOUNT, Context, Request
from tests.infra.template import Assembly

GATEWAY = "opened-gateway"
INVOKE, STREAM = "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"
INFER = "bedrock-mantle:CreateInference"
PROFILE = f"arn:aws:bedrock:eu-central-1:{ACCOUNT}:inference-profile/eu.anthropic.claude-opus-4-6-v1"


def account(assembly: Assembly) -> Account:
    resources: dict[str, Any] = {}
    for stack in assembly.stacks().values():
        resources |= stack.resources
    return Account(resources)


@pytest.fixture(scope="module")
def opened(assemblies: dict[str, Assembly]) -> Account:
    return account(assemblies["opened"])


def project(region: str, name: str = "default") -> str:
    return f"arn:aws:bedrock-mantle:{region}:{ACCOUNT}:project/{name}"


def model(name: str, region: str = "eu-central-1") -> str:
    return f"arn:aws:bedrock:{region}::foundation-model/{name}"


NAMED: Context = {"bedrock-mantle:Model": "anthropic.claude-opus-4-6"}
OTHER: Context = {"bedrock:InferenceProfileArn": PROFILE.replace("eu.", "us.")}
THROUGH: Context = {"bedrock:InferenceProfileArn": PROFILE}


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        (INFER, project("eu-west-1"), NAMED),
        (INFER, project("eu-central-1"), {"bedrock-mantle:Model": "openai.gpt-oss-120b"}),
        (INVOKE, model("anthropic.claude-haiku-4-5-v1:0"), {}),
        (STREAM, model("anthropic.claude-haiku-4-5-v1:0"), {}),
        (INVOKE, PROFILE, {}),
        (STREAM, model("anthropic.claude-opus-4-6-v1", "eu-north-1"), THROUGH),
    ],
)
def test_the_gateway_s_role_and_no_other_may_call_what_is_named(
    opened: Account, action: str, resource: str, context: Context
) -> None:
    assert opened.who(Request(action, resource, context)) == {GATEWAY}


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        (INFER, project("us-east-1"), NAMED),
        (INFER, project("eu-west-1", "proj_other"), NAMED),
        (INFER, project("eu-west-1"), {"bedrock-mantle:Model": "anthropic.claude-fable"}),
        (INFER, project("eu-west-1"), {}),
        ("bedrock-mantle:CallWithBearerToken", "*", {}),
        ("bedrock-mantle:CreateProject", project("eu-west-1"), NAMED),
        (INVOKE, model("anthropic.claude-haiku-4-5-v1:0", "us-east-1"), {}),
        (INVOKE, model("anthropic.claude-opus-4-6-v1"), {}),
        (INVOKE, model("anthropic.claude-opus-4-6-v1"), OTHER),
        (INVOKE, PROFILE.replace(ACCOUNT, "999999999999"), {}),
        ("bedrock:CreateModelInvocationJob", model("anthropic.claude-haiku-4-5-v1:0"), {}),
        ("bedrock:Converse", model("anthropic.claude-haiku-4-5-v1:0"), {}),
    ],
)
def test_nobody_may_call_anything_else(opened: Account, action: str, resource: str, context: Context) -> None:
    assert opened.who(Request(action, resource, context)) == set()


def test_without_the_stanza_no_role_says_a_word_of_bedrock(assemblies: dict[str, Assembly]) -> None:
    for name, assembly in assemblies.items():
        if name != "opened":
            said = "".join(str(stack.content) for stack in assembly.stacks().values())
            assert "bedrock:" not in said
            assert "bedrock-mantle" not in said
