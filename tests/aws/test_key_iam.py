"""Who can use which key, and for what: each way in which a policy could let in somebody else is noticed.

That everybody who needs a key has it, and nobody else, `test_iam.py` asks with everything else.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.aws.account import Account
from tests.aws.policies import Request
from tests.aws.reach import EXPORT, GATEWAY, KEEPER, RECORDER, SWEEPER, differences
from tests.aws.test_iam import give, role, statements
from tests.infra.template import Assembly

Resources = dict[str, Any]
KEYS = ("data", "operations", "secrets")


def test_every_key_has_a_name_by_which_it_is_asked_about(resources: Resources) -> None:
    assert set(Account(resources).keys.values()) == {f"stacktest-{key}" for key in KEYS}


def of_key(resources: Resources, function: str, service: str) -> dict[str, Any]:
    """The first statement by which a role uses a key through a service."""
    return next(
        s for s in statements(resources, function) if "kms:" in str(s["Action"]) and f"'{service}." in str(s)
    )


def key_policy(resources: Resources, added: dict[str, Any]) -> None:
    key = resources[next(name for name in resources if name.startswith("KeysData"))]
    key["Properties"]["KeyPolicy"]["Statement"].append({"Effect": "Allow", "Resource": "*", **added})


def every_key(resources: Resources) -> None:
    give(resources, GATEWAY, "kms:*")


def a_key_without_encryption_context(resources: Resources) -> None:
    exact = of_key(resources, EXPORT, "sqs")["Condition"]["StringEquals"]
    del exact["kms:EncryptionContext:aws:sqs:arn"]


def a_key_by_every_service(resources: Resources) -> None:
    del of_key(resources, KEEPER, "dynamodb")["Condition"]["StringEquals"]["kms:ViaService"]


def a_key_by_another_service(resources: Resources) -> None:
    exact = of_key(resources, KEEPER, "dynamodb")["Condition"]["StringEquals"]
    exact["kms:ViaService"] = "lambda.eu-central-1.amazonaws.com"


def keys_of_any_name(resources: Resources) -> None:
    del of_key(resources, RECORDER, "s3")["Condition"]["ForAnyValue:StringEquals"]


def another_table_under_the_key(resources: Resources) -> None:
    exact = of_key(resources, KEEPER, "dynamodb")["Condition"]["StringEquals"]
    exact["kms:EncryptionContext:aws:dynamodb:tableName"] = ["stacktest-control"]


def every_secret_under_the_key(resources: Resources) -> None:
    like = of_key(resources, EXPORT, "secretsmanager")["Condition"]["StringLike"]
    like["kms:EncryptionContext:SecretARN"] = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:*"]


def the_gateway_s_digests_for_a_plugin(resources: Resources) -> None:
    """Decrypting is no use without reading; both have to be noticed."""
    like = of_key(resources, EXPORT, "secretsmanager")["Condition"]["StringLike"]
    place = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stacktest/evidence-key-??????"
    like["kms:EncryptionContext:SecretARN"].append(place)


def the_gateway_s_digests_read_by_a_plugin(resources: Resources) -> None:
    place = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stacktest/evidence-key-??????"
    give(resources, EXPORT, "secretsmanager:GetSecretValue", place)


def grants_for_others(resources: Resources) -> None:
    give(resources, RECORDER, "kms:CreateGrant", "arn:aws:kms:eu-central-1:123456789012:key/*")


def disabling_the_key(resources: Resources) -> None:
    give(resources, SWEEPER, ["kms:DisableKey", "kms:ScheduleKeyDeletion"])


def a_key_for_anybody(resources: Resources) -> None:
    key_policy(resources, {"Principal": {"AWS": "*"}, "Action": "kms:Decrypt"})


def a_key_for_another_account(resources: Resources) -> None:
    principal = {"AWS": "arn:aws:iam::999999999999:root"}
    key_policy(resources, {"Principal": principal, "Action": "kms:Decrypt"})


def a_key_whose_policy_names_a_role(resources: Resources) -> None:
    identity, _ = role(resources, EXPORT)
    principal = {"AWS": f"arn:aws:iam::123456789012:role/{identity}"}
    key_policy(resources, {"Principal": principal, "Action": ["kms:Decrypt", "kms:GenerateDataKey"]})


def a_key_that_nobody_may_use(resources: Resources) -> None:
    key = resources[next(name for name in resources if name.startswith("KeysSecrets"))]
    key["Properties"]["KeyPolicy"]["Statement"] = []


MISTAKES = (
    every_key,
    a_key_without_encryption_context,
    a_key_by_every_service,
    a_key_by_another_service,
    keys_of_any_name,
    another_table_under_the_key,
    every_secret_under_the_key,
    the_gateway_s_digests_for_a_plugin,
    the_gateway_s_digests_read_by_a_plugin,
    grants_for_others,
    disabling_the_key,
    a_key_for_anybody,
    a_key_for_another_account,
    a_key_whose_policy_names_a_role,
    a_key_that_nobody_may_use,
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_is_noticed(resources: Resources, mistake: Callable[[Resources], None]) -> None:
    broken = copy.deepcopy(resources)
    mistake(broken)
    assert differences(Account(broken))


def test_services_use_the_key_of_logs_and_alarms_for_this_account_s_alone(resources: Resources) -> None:
    """No role uses it: two services do, in their own name."""
    here = "eu-central-1:123456789012"
    context = {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{here}:log-group:/aws/lambda/x"}
    logs, alarms = "logs.eu-central-1.amazonaws.com", "cloudwatch.amazonaws.com"
    ours, theirs = {"aws:SourceAccount": "123456789012"}, {"aws:SourceAccount": "999999999999"}
    foreign = {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-central-1:999999999999:log-group:x"}
    account = Account(resources)
    for service, given, may in (
        (logs, context, True),
        (logs, foreign, False),
        (logs, {}, False),
        (alarms, ours, True),
        (alarms, theirs, False),
        ("events.amazonaws.com", {**ours, **context}, False),
    ):
        assert account.lets(service, "stacktest-operations", Request("kms:Decrypt", "", given)) is may
    for key in ("stacktest-data", "stacktest-secrets"):
        assert not account.lets(logs, key, Request("kms:Decrypt", "", context))


def test_with_keys_of_aws_s_own_no_role_asks_for_any(assemblies: dict[str, Assembly]) -> None:
    stacks = assemblies["opened"].stacks()
    assert not stacks["opened-data"].of("KMS::Key")
    roles = stacks["opened-gateway"].of("IAM::Role").values()
    assert "kms:" not in str([role.get("Policies") for role in roles])
