from __future__ import annotations

import json
import string
from typing import Any

from penstock.adapters.secrets import KEY_BYTES, decode_digest_key
from tests.infra.template import Template


def refusals(template: Template, action: str) -> list[dict[str, Any]]:
    """Statements of the bucket's policy that deny everybody exactly this action."""
    statements = template.about("EvidenceBucket")["S3::BucketPolicy"]["PolicyDocument"]["Statement"]
    return [
        statement
        for statement in statements
        if statement["Effect"] == "Deny"
        and statement["Principal"] == {"AWS": "*"}
        and statement["Action"] == action
    ]


def all_objects(statement: dict[str, Any]) -> bool:
    arn, rest = statement["Resource"]["Fn::Join"][1]
    return "Fn::GetAtt" in arn and rest == "/*"


def test_evidence_cannot_be_overwritten_whoever_asks(template: Template) -> None:
    """Denied without `If-None-Match`; with it, nothing here denies, and S3 itself refuses what is there."""
    (refused,) = refusals(template, "s3:PutObject")
    assert refused["Condition"] == {"Null": {"s3:if-none-match": "true"}}
    assert all_objects(refused)


def test_evidence_cannot_be_hidden_behind_a_delete_marker(template: Template) -> None:
    (refused,) = refusals(template, "s3:DeleteObject")
    assert "Condition" not in refused
    assert all_objects(refused)


def test_every_version_is_held_for_a_year_unless_somebody_may_bypass_that(template: Template) -> None:
    bucket = template.about("EvidenceBucket")["S3::Bucket"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["ObjectLockEnabled"] is True
    retention = bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert retention == {"Mode": "GOVERNANCE", "Days": 365}


def test_the_bucket_is_private_and_talks_tls_only(template: Template) -> None:
    bucket = template.about("EvidenceBucket")["S3::Bucket"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    conditions = [refused["Condition"] for refused in refusals(template, "s3:*")]
    assert {"Bool": {"aws:SecureTransport": "false"}} in conditions
    assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in conditions


def test_two_accounts_or_regions_do_not_fight_over_the_bucket_s_name(template: Template) -> None:
    parts = template.about("EvidenceBucket")["S3::Bucket"]["BucketName"]["Fn::Join"][1]
    assert parts == ["stacktest-evidence-", {"Ref": "AWS::AccountId"}, "-", {"Ref": "AWS::Region"}]
    assert len("a" * 20 + "-evidence-" + "1" * 12 + "-" + "ap-southeast-2") <= 63


def test_the_evidence_key_is_made_by_secrets_manager_in_the_form_that_the_code_reads(
    template: Template,
) -> None:
    secret = template.named("SecretsManager::Secret", "Name")["stacktest/evidence-key"]
    recipe = secret["GenerateSecretString"]
    assert "SecretString" not in secret, "a template is no place for a secret"
    assert (recipe["ExcludePunctuation"], recipe["IncludeSpace"]) == (True, False)
    letters = (string.ascii_letters + string.digits) * 2
    generated = {recipe["GenerateStringKey"]: letters[: recipe["PasswordLength"]]}
    key = decode_digest_key(json.dumps(json.loads(recipe["SecretStringTemplate"]) | generated))
    assert key.key_id == "k1"
    assert len(key.key) >= KEY_BYTES
