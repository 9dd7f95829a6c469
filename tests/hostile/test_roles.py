"""What a hostile plugin may ask AWS for, with the credentials that it finds: its host's role, evaluated.

`in_process` has the gateway's role. `function` has that of a background plugin, which is given the most.
"""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.aws.account import Account
from tests.aws.policies import ACCOUNT, Context, Request
from tests.aws.reach import BUCKET, CARD, EXPORT, GATEWAY, HERE, HOUR, KEEPER, NEW, SECURE
from tests.hostile.expected import Attack, on
from tests.hostile.world import HOSTS, Host

ROLES: Final[dict[Host, str]] = {"in_process": GATEWAY, "function": EXPORT}
TABLES: Final = f"arn:aws:dynamodb:{HERE}:table/stacktest"
LOGS: Final = f"arn:aws:logs:{HERE}:log-group:/aws/lambda/"
FUNCTIONS: Final = f"arn:aws:lambda:{HERE}:function:"
OTHER: Context = {"dynamodb:LeadingKeys": ["keeper"]}
INTENT: Context = {"dynamodb:LeadingKeys": ["request#019aa9d5"]}


def secret(name: str) -> Request:
    return Request(
        "secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{HERE}:secret:stacktest/{name}-AbCdEf"
    )


def deliver(plugin: str, context: Context) -> Request:
    return Request("s3:PutObject", f"{BUCKET}/{HOUR}.delivery.{plugin}.m-1.1.json.gz", context)


def log_of(function: str) -> Request:
    return Request("logs:PutLogEvents", f"{LOGS}{function}:*")


ASKED: Final[dict[str, Request]] = {
    "other_secret": secret("another"),
    "provider_secret": secret("upstreams/openai"),
    "evidence_key": secret("evidence-key"),
    "other_storage": Request("dynamodb:GetItem", f"{TABLES}-storage", OTHER),
    "keys": Request("dynamodb:BatchGetItem", f"{TABLES}-control"),
    "intent": Request("dynamodb:PutItem", f"{TABLES}-ledger", INTENT),
    "outcome": Request("sqs:SendMessage", f"arn:aws:sqs:{HERE}:stacktest-outbox", SECURE),
    "read_evidence": Request("s3:GetObject", f"{BUCKET}/{HOUR}.terminal.json.gz", SECURE),
    "write_evidence": Request("s3:PutObject", f"{BUCKET}/{HOUR}.terminal.json.gz", NEW),
    "overwrite_delivery": deliver("audit-export", SECURE),
    "other_delivery": deliver("another", NEW),
    "other_function": Request("lambda:InvokeFunction", f"{FUNCTIONS}{CARD}"),
    "gateway_code": Request("lambda:UpdateFunctionCode", f"{FUNCTIONS}{GATEWAY}"),
    "metrics": Request("cloudwatch:PutMetricData", "*"),
    "gateway_log": log_of(GATEWAY),
    # These two depend on the roles: see below.
    "own_log": log_of(EXPORT),
    "gateway_role": Request("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/any"),
}
# Beside each denial, what the same role may: an evaluator that denies everything shows nothing.
ALLOWED: Final[dict[Host, tuple[Request, ...]]] = {
    "in_process": (secret("upstreams/openai"), ASKED["intent"], ASKED["other_function"]),
    "function": (secret("signing"), deliver("audit-export", NEW), log_of(EXPORT)),
}


def rows() -> list[tuple[Host, Attack]]:
    return [(host, attack) for host in HOSTS for attack in on("role", host)]


@pytest.mark.parametrize(("host", "attack"), rows(), ids=lambda value: getattr(value, "name", value))
def test_its_role_gives_it_what_is_expected(resources: dict[str, Any], host: Host, attack: Attack) -> None:
    account, role = Account(resources), ROLES[host]
    own = {
        "own_log": log_of(role),
        "gateway_role": Request("sts:AssumeRole", account.roles[GATEWAY].arn),
    }
    asked = {**ASKED, **own}[attack.name]
    assert ("allowed" if account.may(role, asked) else "denied") == attack.seen(host)


@pytest.mark.parametrize("host", HOSTS)
def test_the_same_roles_may_do_their_work(resources: dict[str, Any], host: Host) -> None:
    account = Account(resources)
    assert all(account.may(ROLES[host], request) for request in ALLOWED[host])
    assert not any(account.may("nobody", request) for request in ALLOWED[host])
    assert account.may(KEEPER, ASKED["other_storage"])


def test_a_plugin_that_is_only_called_at_gates_has_not_the_key_of_evidence(resources: dict[str, Any]) -> None:
    account = Account(resources)
    assert not account.may(CARD, ASKED["evidence_key"])
    assert account.may(CARD, log_of(CARD))
