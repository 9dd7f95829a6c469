"""Providers: how the gateway shows them who it is, and what would give a secret away."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from penstock.configuration.applied import applied_documents
from penstock.configuration.providers import Provider
from penstock.configuration.references import check_references
from penstock.errors import ConfigurationError
from penstock.governance.access import decode_model
from tests.configuration import files

MANTLE: dict[str, Any] = {
    "id": "bedrock",
    "kind": "anthropic",
    "base_url": "https://bedrock-mantle.eu-west-1.api.aws/anthropic/v1",
    "auth": "aws",
    "aws_service": "bedrock-mantle",
    "aws_region": "eu-west-1",
}
BEDROCK = """
[[deployment.bedrock]]
service = "bedrock-mantle"
regions = ["eu-west-1"]
models = ["anthropic.claude-opus-4-6"]

[[provider]]
id = "bedrock"
kind = "anthropic"
base_url = "https://bedrock-mantle.eu-west-1.api.aws/anthropic/v1"
auth = "aws"
aws_service = "bedrock-mantle"
aws_region = "eu-west-1"

[[model]]
id = "claude"
provider = "bedrock"
upstream_model = "anthropic.claude-opus-4-6"
"""


def refused(**more: Any) -> str:
    with pytest.raises(ValidationError) as error:
        Provider.model_validate({**MANTLE, **more})
    return str(error.value)


def test_a_role_signs_for_the_service_and_region_of_its_endpoint() -> None:
    assert Provider.model_validate(MANTLE).aws_region == "eu-west-1"
    runtime = "https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1"
    Provider.model_validate(
        {**MANTLE, "base_url": runtime, "aws_service": "bedrock", "aws_region": "us-east-1"}
    )
    in_a_vpc = "https://vpce-0a.bedrock-mantle.eu-west-1.vpce.amazonaws.com/anthropic/v1"
    Provider.model_validate({**MANTLE, "base_url": in_a_vpc})


@pytest.mark.parametrize(
    "more",
    [
        {"aws_region": "us-east-1"},
        {"aws_service": "bedrock"},
        {"base_url": "https://bedrock-runtime.eu-west-1.amazonaws.com/anthropic/v1"},
        {"base_url": "https://bedrock-runtime-fips.eu-west-1.amazonaws.com/anthropic/v1"},
    ],
)
def test_a_host_of_bedrock_s_that_is_signed_for_as_another_is_refused(more: dict[str, str]) -> None:
    assert "base_url: this host is aws_service" in refused(**more)


@pytest.mark.parametrize("missing", ["aws_service", "aws_region"])
def test_what_a_signature_is_for_must_be_said(missing: str) -> None:
    assert "together" in refused(**{missing: None})
    assert "together" in refused(auth="bearer")


def test_there_is_no_key_beside_a_signature_and_no_signature_in_the_clear() -> None:
    assert "secret: with auth" in refused(secret="bedrock-key")
    assert "plain http" in refused(base_url="http://bedrock-mantle.eu-west-1.api.aws/v1")
    Provider.model_validate({**MANTLE, "base_url": "http://127.0.0.1:8788/v1"})


@pytest.mark.parametrize(
    "host",
    [
        "bedrock.example.com",
        "bedrock-mantle.eu-west-1.api.aws.example.com",
        "xamazonaws.com",
        "10.0.0.1",
        "a1b2c3.execute-api.eu-west-1.amazonaws.com",
        "bedrock-mantle.eu-west-1.elb.amazonaws.com",
        "bedrock-runtime.s3.eu-west-1.amazonaws.com",
        "bedrock-mantle.amazonaws.com",
    ],
)
def test_what_the_role_signs_goes_to_bedrock_alone(host: str) -> None:
    assert "goes to Bedrock alone" in refused(base_url=f"https://{host}/v1")


def test_a_document_has_all_that_a_signature_needs() -> None:
    source = files.source(BEDROCK)
    check_references(source)
    target = decode_model(applied_documents(source.file)["model#claude"]).target
    assert (target.auth, target.aws_service, target.aws_region, target.secret) == (
        "aws",
        "bedrock-mantle",
        "eu-west-1",
        None,
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'regions = ["eu-west-1"]',
            'regions = ["eu-west-2"]',
            "nothing lets the gateway's role call bedrock-mantle",
        ),
        ('models = ["anthropic', 'models = ["other', "nothing lets the gateway's role call 'anthropic"),
        (
            'service = "bedrock-mantle"\nregions',
            'service = "bedrock"\nregions',
            "nothing lets the gateway's role",
        ),
    ],
)
def test_what_is_deployed_bounds_what_is_applied(old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        check_references(files.source(BEDROCK.replace(old, new)))


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ("models = []", "name at least one"),
        ('models = ["anthropic.*"]', "models"),
        ('inference_profiles = ["eu.anthropic.claude"]', "service"),
    ],
)
def test_bedrock_is_opened_by_names_alone(models: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        files.source(BEDROCK.replace('models = ["anthropic.claude-opus-4-6"]', models))
