from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.infra.template import Template

# How each kind of resource is encrypted at rest. One that is not here needs a look before it is deployed.
ENCRYPTED: dict[str, Callable[[dict[str, Any]], bool]] = {
    "AWS::DynamoDB::Table": lambda table: "SSESpecification" not in table,  # under DynamoDB's own key, always
    "AWS::S3::Bucket": lambda bucket: algorithms(bucket) == ["AES256"],
    "AWS::SQS::Queue": lambda queue: queue["SqsManagedSseEnabled"] is True,
    "AWS::SecretsManager::Secret": lambda secret: (
        "KmsKeyId" not in secret
    ),  # under the account's own key, always
}
HOLDS_NOTHING = {"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"}


def algorithms(bucket: dict[str, Any]) -> list[str]:
    rules = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    return [rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] for rule in rules]


def test_all_that_holds_anything_is_encrypted(template: Template) -> None:
    for identity, resource in template.resources.items():
        if resource["Type"] not in HOLDS_NOTHING:
            assert ENCRYPTED[resource["Type"]](resource["Properties"]), identity


def test_no_resource_lets_anybody_in(template: Template) -> None:
    """Policies on resources only take away; roles give, each to one function."""
    assert {statement["Effect"] for statement in template.statements()} == {"Deny"}


def test_nothing_is_lost_when_the_stack_is_deleted_or_a_resource_replaced(template: Template) -> None:
    for identity, resource in template.resources.items():
        assert resource["DeletionPolicy"] in {"Retain", "RetainExceptOnCreate"}, identity
        assert resource["UpdateReplacePolicy"] == "Retain", identity
    assert template.artifact["properties"]["terminationProtection"] is True


def test_the_stack_can_go_to_any_account_and_region(template: Template) -> None:
    assert template.artifact["environment"] == "aws://unknown-account/unknown-region"


def test_the_stack_tells_where_everything_is(template: Template) -> None:
    outputs = {name: output["Value"] for name, output in template.content["Outputs"].items()}
    names = ("ControlTable", "LedgerTable", "StorageTable", "EvidenceBucket", "EvidenceKeySecret")
    assert set(outputs) == {*names, "OutboxUrl", "OutboxDeadUrl", "PluginQueuePattern"}
    for name in (*names, "OutboxUrl", "OutboxDeadUrl"):
        assert outputs[name]["Ref"] in template.resources, name
    assert outputs["PluginQueuePattern"]["Fn::Join"][1][-1] == "/stacktest-plugin-{plugin}"
