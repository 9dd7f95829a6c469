"""Who can reach what, worked out from the synthesised templates; and that a mistake in them is noticed."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.aws.account import Account
from tests.aws.deployed import DEPLOYED, STACKTEST
from tests.aws.policies import Request, UnknownPolicyError
from tests.aws.reach import (
    BUCKET,
    CARD,
    EXPORT,
    EXPORTS,
    GATEWAY,
    HOUR,
    KEEPER,
    NEW,
    RECORDER,
    SEALER,
    SECURE,
    SWEEPER,
    differences,
    things,
)
from tests.infra.template import Assembly, plain

Resources = dict[str, Any]
SENDS = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sqs:SendMessage", "Resource": "*"}


@pytest.mark.parametrize("name", DEPLOYED)
def test_each_thing_is_reached_by_those_who_are_declared_and_nobody_else(
    name: str, assemblies: dict[str, Assembly]
) -> None:
    assert differences(Account(together(assemblies[name])), DEPLOYED[name]) == {}


# What holds something or does something, and the property that names it.
NAMED_BY = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
}


@pytest.mark.parametrize("name", DEPLOYED)
def test_everything_that_the_templates_make_is_asked_about(
    name: str, assemblies: dict[str, Assembly]
) -> None:
    resources = together(assemblies[name])
    made = {
        plain(resource["Properties"][named]).removeprefix("alias/")
        for resource in resources.values()
        if (named := NAMED_BY.get(resource["Type"])) and named in resource["Properties"]
    }
    asked = " ".join(f"{thing.resource} " for _name, thing, _owners in things(DEPLOYED[name]))
    assert not [name for name in made if not re.search(rf"[:/]{re.escape(name)}(-AbCdEf)?[ /]", asked)]
    assert len(made) > 12


def test_every_role_of_the_deployment_is_somebody_s(resources: Resources) -> None:
    (other,) = set(Account(resources).roles) - {GATEWAY, RECORDER, SWEEPER, SEALER} - STACKTEST.everybody
    assert "CloudWatchRole" in other


def test_evidence_can_be_added_and_not_replaced(resources: Resources) -> None:
    account, key = Account(resources), f"{BUCKET}/{HOUR}.terminal.json.gz"
    assert account.who(Request("s3:PutObject", key, NEW)) == {RECORDER, SWEEPER}
    assert account.who(Request("s3:PutObject", key, SECURE)) == set()


def together(assembly: Assembly) -> Resources:
    """Both stacks' resources."""
    return dict(one for stack in assembly.stacks().values() for one in stack.resources.items())


def statements(resources: Resources, function: str) -> list[dict[str, Any]]:
    role = next(
        r["Properties"]["Role"]["Fn::GetAtt"][0]
        for r in resources.values()
        if r["Type"] == "AWS::Lambda::Function" and r["Properties"]["FunctionName"] == function
    )
    found: list[dict[str, Any]] = resources[role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    return found


def statement(resources: Resources, function: str, action: str) -> dict[str, Any]:
    return next(s for s in statements(resources, function) if action in str(s["Action"]))


def role(resources: Resources, function: str) -> tuple[str, dict[str, Any]]:
    identity = next(
        r["Properties"]["Role"]["Fn::GetAtt"][0]
        for r in resources.values()
        if r["Type"] == "AWS::Lambda::Function" and r["Properties"]["FunctionName"] == function
    )
    return identity, resources[identity]["Properties"]


def trust(resources: Resources, function: str, principal: dict[str, str]) -> None:
    document = role(resources, function)[1]["AssumeRolePolicyDocument"]
    document["Statement"].append({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


def give(resources: Resources, function: str, action: str | list[str], resource: object = "*") -> None:
    statements(resources, function).append({"Effect": "Allow", "Action": action, "Resource": resource})


def open_policy(resources: Resources, kind: str, added: dict[str, Any]) -> None:
    policy = next(r for r in resources.values() if r["Type"] == kind)
    policy["Properties"]["PolicyDocument"]["Statement"].append(added)


def wildcard_resource(resources: Resources) -> None:
    statement(resources, GATEWAY, "GetSecretValue")["Resource"] = "*"


def wildcard_action(resources: Resources) -> None:
    statement(resources, GATEWAY, "BatchGetItem")["Action"] = "dynamodb:*"


def wildcard_in_a_name(resources: Resources) -> None:
    give(resources, GATEWAY, "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret:stacktest/*")


def swapped_arn(resources: Resources) -> None:
    ours, theirs = (statement(resources, who, "ReceiveMessage") for who in (EXPORT, RECORDER))
    ours["Resource"], theirs["Resource"] = theirs["Resource"], ours["Resource"]


def missing_condition(resources: Resources) -> None:
    del statement(resources, GATEWAY, "dynamodb:PutItem")["Condition"]


def missing_prefix(resources: Resources) -> None:
    del statement(resources, KEEPER, "s3:ListBucket")["Condition"]


def not_action(resources: Resources) -> None:
    statements(resources, SWEEPER).append({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})


def not_resource(resources: Resources) -> None:
    found = statement(resources, EXPORT, "GetSecretValue")
    found["NotResource"] = found.pop("Resource")


def trust_of_the_account(resources: Resources) -> None:
    trust(resources, RECORDER, {"AWS": "arn:aws:iam::123456789012:root"})


def trust_of_another_account(resources: Resources) -> None:
    trust(resources, GATEWAY, {"AWS": "arn:aws:iam::999999999999:root"})


def trust_of_anybody(resources: Resources) -> None:
    trust(resources, SWEEPER, {"AWS": "*"})


def trust_of_a_plugin(resources: Resources) -> None:
    identity, _ = role(resources, EXPORT)
    trust(resources, RECORDER, {"AWS": f"arn:aws:iam::123456789012:role/{identity}"})


def open_queue(resources: Resources) -> None:
    open_policy(resources, "AWS::SQS::QueuePolicy", SENDS)


def open_bucket(resources: Resources) -> None:
    reads = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"}
    open_policy(resources, "AWS::S3::BucketPolicy", reads)


def evidence_may_be_overwritten(resources: Resources) -> None:
    may_be_overwritten(resources, "EvidenceBucketPolicy")


def exports_may_be_overwritten(resources: Resources) -> None:
    may_be_overwritten(resources, "ExportsBucketPolicy")


def exports_of_every_plugin(resources: Resources) -> None:
    given = statements(resources, KEEPER)
    next(s for s in given if "-exports-" in str(s["Resource"]))["Resource"] = f"{EXPORTS}/*"


def exports_by_a_prefix_of_names(resources: Resources) -> None:
    given = statements(resources, KEEPER)
    next(s for s in given if "-exports-" in str(s["Resource"]))["Resource"] = f"{EXPORTS}/keeper*"


def exports_that_can_be_read(resources: Resources) -> None:
    give(resources, KEEPER, "s3:GetObject", f"{EXPORTS}/keeper/*")


def exports_of_who_has_none(resources: Resources) -> None:
    give(resources, EXPORT, "s3:PutObject", f"{EXPORTS}/audit-export/*")


def may_be_overwritten(resources: Resources, bucket: str) -> None:
    policy = next(r for name, r in resources.items() if bucket in name)
    document = policy["Properties"]["PolicyDocument"]
    document["Statement"] = [s for s in document["Statement"] if s.get("Sid") != "OnlyNewObjects"]


def code_of_another_function(resources: Resources) -> None:
    give(resources, EXPORT, "lambda:UpdateFunctionCode")


def passing_a_role(resources: Resources) -> None:
    give(resources, EXPORT, ["iam:PassRole", "lambda:CreateFunction"])


def changing_a_policy(resources: Resources) -> None:
    give(resources, SWEEPER, "iam:PutRolePolicy")


def invoked_by_anybody(resources: Resources) -> None:
    function = next(n for n, r in resources.items() if r["Type"] == "AWS::Lambda::Function")
    permission = {"Action": "lambda:InvokeFunction", "FunctionName": {"Ref": function}, "Principal": "*"}
    resources["Open"] = {"Type": "AWS::Lambda::Permission", "Properties": permission}


def two_queues_for_the_gateway(resources: Resources) -> None:
    found = statement(resources, GATEWAY, "sqs:SendMessage")
    found["Resource"] = "arn:aws:sqs:eu-central-1:123456789012:stacktest-*"


def erasing_evidence(resources: Resources) -> None:
    give(resources, RECORDER, "s3:DeleteObjectVersion", f"{BUCKET}/*")


def sealing_records(resources: Resources) -> None:
    """The sealer could store a record of its own and seal it."""
    statement(resources, SEALER, "s3:PutObject")["Resource"] = f"{BUCKET}/*"


def sealed_by_another(resources: Resources) -> None:
    give(resources, RECORDER, "s3:PutObject", f"{BUCKET}/seal/*")


def upstreams_of_all_deployments(resources: Resources) -> None:
    found = statement(resources, GATEWAY, "GetSecretValue")
    found["Resource"] = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:*/upstreams/*"
    give(resources, EXPORT, "secretsmanager:GetSecretValue", found["Resource"])


def calling_every_plugin(resources: Resources) -> None:
    found = statement(resources, GATEWAY, "lambda:InvokeFunction")
    found["Resource"] = "arn:aws:lambda:eu-central-1:123456789012:function:stacktest-plugin-*"


def called_by_another_plugin(resources: Resources) -> None:
    arn = f"arn:aws:lambda:eu-central-1:123456789012:function:{CARD}"
    give(resources, EXPORT, "lambda:InvokeFunction", arn)


def a_secret_of_another_plugin(resources: Resources) -> None:
    secrets = statement(resources, EXPORT, "GetSecretValue")["Resource"]
    give(resources, CARD, "secretsmanager:GetSecretValue", secrets)


def conditions(resources: Resources, action: str) -> dict[str, Any]:
    """Of what the plugin with storage and e-mail is given."""
    given = (s for s in statements(resources, KEEPER) if action in str(s["Action"]))
    found: dict[str, Any] = next(s for s in given if "-ledger" not in str(s["Resource"]))["Condition"]
    return found


def storage_of_every_plugin(resources: Resources) -> None:
    conditions(resources, "dynamodb:PutItem").clear()


def storage_of_another_plugin(resources: Resources) -> None:
    keys = conditions(resources, "dynamodb:PutItem")["ForAllValues:StringEquals"]
    keys["dynamodb:LeadingKeys"] = ["audit-export"]


def storage_of_a_plugin_besides(resources: Resources) -> None:
    keys = conditions(resources, "dynamodb:PutItem")["ForAllValues:StringEquals"]
    keys["dynamodb:LeadingKeys"] = ["keeper", "audit-export"]


def storage_by_a_prefix_of_names(resources: Resources) -> None:
    found = conditions(resources, "dynamodb:PutItem")
    del found["ForAllValues:StringEquals"]
    found["ForAllValues:StringLike"] = {"dynamodb:LeadingKeys": ["keeper*"]}


def storage_where_no_key_is_named(resources: Resources) -> None:
    del conditions(resources, "dynamodb:PutItem")["Null"]


def storage_that_can_be_listed(resources: Resources) -> None:
    found = statement(resources, KEEPER, "dynamodb:DeleteItem")
    found["Action"] = [*found["Action"], "dynamodb:Query", "dynamodb:Scan"]


def storage_of_who_has_none(resources: Resources) -> None:
    statements(resources, EXPORT).append(copy.deepcopy(statement(resources, KEEPER, "dynamodb:DeleteItem")))


def e_mail_to_anybody(resources: Resources) -> None:
    conditions(resources, "ses:SendEmail")["ForAllValues:StringLike"]["ses:Recipients"] = ["*"]


def e_mail_to_nobody_that_is_named(resources: Resources) -> None:
    del conditions(resources, "ses:SendEmail")["Null"]


def e_mail_from_anybody_here(resources: Resources) -> None:
    del conditions(resources, "ses:SendEmail")["StringEquals"]


def e_mail_by_every_identity(resources: Resources) -> None:
    statement(resources, KEEPER, "ses:SendEmail")["Resource"] = "*"


def raw_e_mail(resources: Resources) -> None:
    statement(resources, KEEPER, "ses:SendEmail")["Action"] = ["ses:SendEmail", "ses:SendRawEmail"]


MISTAKES = (
    exports_may_be_overwritten,
    exports_of_every_plugin,
    exports_by_a_prefix_of_names,
    exports_that_can_be_read,
    exports_of_who_has_none,
    storage_of_every_plugin,
    storage_of_another_plugin,
    storage_of_a_plugin_besides,
    storage_by_a_prefix_of_names,
    storage_where_no_key_is_named,
    storage_that_can_be_listed,
    storage_of_who_has_none,
    e_mail_to_anybody,
    e_mail_to_nobody_that_is_named,
    e_mail_from_anybody_here,
    e_mail_by_every_identity,
    raw_e_mail,
    sealing_records,
    sealed_by_another,
    upstreams_of_all_deployments,
    wildcard_resource,
    wildcard_action,
    wildcard_in_a_name,
    swapped_arn,
    missing_condition,
    missing_prefix,
    not_action,
    not_resource,
    trust_of_the_account,
    trust_of_another_account,
    trust_of_anybody,
    trust_of_a_plugin,
    open_queue,
    open_bucket,
    evidence_may_be_overwritten,
    code_of_another_function,
    passing_a_role,
    changing_a_policy,
    invoked_by_anybody,
    two_queues_for_the_gateway,
    erasing_evidence,
    calling_every_plugin,
    called_by_another_plugin,
    a_secret_of_another_plugin,
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_is_noticed(resources: Resources, mistake: Callable[[Resources], None]) -> None:
    broken = copy.deepcopy(resources)
    mistake(broken)
    assert differences(Account(broken))


def test_a_managed_policy_that_nobody_has_read_is_refused(resources: Resources) -> None:
    broken = copy.deepcopy(resources)
    role(broken, GATEWAY)[1]["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/AdministratorAccess"]
    with pytest.raises(UnknownPolicyError, match="AdministratorAccess"):
        differences(Account(broken))


def test_a_condition_that_the_evaluator_does_not_know_is_refused(resources: Resources) -> None:
    broken = copy.deepcopy(resources)
    statement(broken, GATEWAY, "BatchGetItem")["Condition"] = {"IpAddress": {"s3:prefix": "10.0.0.0/8"}}
    with pytest.raises(UnknownPolicyError, match="IpAddress"):
        differences(Account(broken))
