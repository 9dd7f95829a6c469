from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infra.keys import DATA, SECRETS
from tests.infra.template import Assembly, Template, plain

# How each kind of resource is encrypted at rest. One that is not here needs a look before it is deployed.
ENCRYPTED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "AWS::DynamoDB::Table": lambda table: table["SSESpecification"]["KMSMasterKeyId"],
    "AWS::S3::Bucket": lambda bucket: rule(bucket)["ServerSideEncryptionByDefault"]["KMSMasterKeyID"],
    "AWS::SQS::Queue": lambda queue: queue["KmsMasterKeyId"],
    "AWS::SecretsManager::Secret": lambda secret: secret["KmsKeyId"],
}
# The same under keys of AWS: DynamoDB's tables and secrets are so when nothing is said.
AWS_S: dict[str, Callable[[dict[str, Any]], bool]] = {
    "AWS::DynamoDB::Table": lambda table: "SSESpecification" not in table,
    "AWS::S3::Bucket": lambda bucket: (
        rule(bucket)["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    ),
    "AWS::SQS::Queue": lambda queue: queue["SqsManagedSseEnabled"] is True,
    "AWS::SecretsManager::Secret": lambda secret: "KmsKeyId" not in secret,
}
HOLDS_NOTHING = {"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::KMS::Key", "AWS::KMS::Alias"}


def rule(bucket: dict[str, Any]) -> dict[str, Any]:
    (found,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    return dict(found)


def test_all_that_holds_anything_is_encrypted_under_a_key_of_the_stack(template: Template) -> None:
    keys = {alias["AliasName"]: alias["TargetKeyId"] for alias in template.of("KMS::Alias").values()}
    for identity, resource in template.resources.items():
        if resource["Type"] not in HOLDS_NOTHING:
            of = SECRETS if resource["Type"] == "AWS::SecretsManager::Secret" else DATA
            key = ENCRYPTED[resource["Type"]](resource["Properties"])
            assert key == keys[f"alias/stacktest-{of}"], identity


def test_buckets_ask_for_a_key_once_for_many_objects(template: Template) -> None:
    for bucket in template.of("S3::Bucket").values():
        assert rule(bucket)["BucketKeyEnabled"] is True


def test_the_keys_are_turned_over_each_year_and_their_policies_leave_it_to_iam(template: Template) -> None:
    for key in template.of("KMS::Key").values():
        assert key["EnableKeyRotation"] is True
        (statement,) = key["KeyPolicy"]["Statement"]
        assert plain(statement["Principal"]["AWS"]) == "arn:aws:iam::123456789012:root"


def test_who_wants_no_keys_has_all_under_those_of_aws(assemblies: dict[str, Assembly]) -> None:
    for identity, resource in assemblies["opened"].stack("opened-data").resources.items():
        if resource["Type"] not in HOLDS_NOTHING:
            assert AWS_S[resource["Type"]](resource["Properties"]), identity


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
    assert set(outputs) == {*names, "OutboxUrl", "OutboxDeadUrl", "PluginQueuePattern", "ExportsBucket"}
    for name in (*names, "OutboxUrl", "OutboxDeadUrl"):
        assert outputs[name]["Ref"] in template.resources, name
    assert outputs["PluginQueuePattern"]["Fn::Join"][1][-1] == "/stacktest-plugin-{plugin}"
