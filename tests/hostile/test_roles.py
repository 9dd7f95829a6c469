"""What a hostile plugin may ask AWS for, with the credentials that it finds: its host's role, evaluated.

`in_process` has the gateway's role. `function` has that of a background plugin, which is given the most.
"""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.aws.account import Account
from tests.aws.deployed import HERE
from tests.aws.policies import ACCOUNT, Context, Principal, Request, allowed
from tests.aws.reach import HOUR, NEW, SECURE
from tests.hostile.expected import Attack, on
from tests.hostile.world import CALLERS, HOSTS, Host
from tests.infra.template import Assembly, Template
from tests.infra.test_egress_network import holes

GATEWAY, EXPORT = "stacktest-gateway", "stacktest-plugin-audit-export"
CARD, KEEPER = "stacktest-plugin-card-guard", "stacktest-plugin-keeper"
BUCKET: Final = f"arn:aws:s3:::stacktest-evidence-{ACCOUNT}-eu-central-1"
EXPORTS: Final = f"arn:aws:s3:::stacktest-exports-{ACCOUNT}-eu-central-1"
MACHINES: Final = f"arn:aws:states:{HERE}:stateMachine:stacktest-plugin-"
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
    "delivery_key": secret("delivery-key"),
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
    "other_export": Request("s3:PutObject", f"{EXPORTS}/audit-export/x", NEW),
    "read_exports": Request("s3:GetObject", f"{EXPORTS}/keeper/x", SECURE),
    "overwrite_export": Request("s3:PutObject", f"{EXPORTS}/keeper/x", SECURE),
    "other_workflow": Request("states:StartExecution", f"{MACHINES}another"),
    "other_token": Request("states:SendTaskSuccess", "*"),
    "stop_workflow": Request(
        "states:StopExecution", f"arn:aws:states:{HERE}:execution:stacktest-plugin-another:r"
    ),
    # These two depend on the roles: see below.
    "own_log": log_of(EXPORT),
    "gateway_role": Request("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/any"),
}
# Who tries it in a function, where that is another than EXPORT: who has the capability, of its own.
OF_KEEPER: Final = frozenset({"other_export", "read_exports", "overwrite_export"})
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
    if host == "function" and attack.name in OF_KEEPER:
        role = KEEPER
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
    assert account.may(KEEPER, Request("s3:PutObject", f"{EXPORTS}/keeper/x", NEW))


def test_a_plugin_that_is_only_called_at_gates_has_not_the_key_of_evidence(resources: dict[str, Any]) -> None:
    account = Account(resources)
    assert not account.may(CARD, ASKED["evidence_key"])
    assert not account.may(CARD, ASKED["delivery_key"])
    assert account.may(CARD, log_of(CARD))


# In a network without a route out, and outside of any.
ASKER, SENDER = "walled-plugin-asker", f"{FUNCTIONS}walled-egress"
INVOKE: Final = "lambda:InvokeFunction"
FOREIGN: Final = "999999999999"
ELSEWHERE: Context = {"aws:PrincipalAccount": FOREIGN, "aws:ResourceAccount": FOREIGN}
INSIDE: Context = {"lambda:SourceFunctionArn": f"{FUNCTIONS}{ASKER}"}
FROM_INSIDE: Final[dict[str, Request]] = {
    "other_alias": Request(INVOKE, f"{SENDER}:audit-export"),
    "no_alias": Request(INVOKE, SENDER),
    "move_alias": Request("lambda:UpdateAlias", f"{SENDER}:asker"),
    "interface": Request("ec2:CreateNetworkInterface", "*", INSIDE),
}
UPLOAD: Final = Request("s3:PutObject", "arn:aws:s3:::of-somebody-else/x", ELSEWHERE)
NETWORK: Final = frozenset({*FROM_INSIDE, "resolver", "route", "foreign_credentials"})
STACKS: Final = {"function": ("test", EXPORT), "enforced": ("enforced", ASKER)}


def network_rows() -> list[tuple[str, Attack]]:
    return [(host, attack) for host in CALLERS for attack in on("network", host)]


@pytest.mark.parametrize(("host", "attack"), network_rows(), ids=lambda value: getattr(value, "name", value))
def test_its_network_gives_it_what_is_expected(
    assemblies: dict[str, Assembly], host: str, attack: Attack
) -> None:
    name, function = STACKS[host]
    found = dict(item for stack in assemblies[name].stacks().values() for item in stack.resources.items())
    account = Account(found)
    if attack.name == "foreign_credentials":
        seen = "allowed" if lets_out(account, UPLOAD) else "denied"
    elif attack.name in FROM_INSIDE:
        seen = "allowed" if account.may(function, FROM_INSIDE[attack.name]) else "denied"
    else:
        is_open = not Template({"Resources": found}, {}).of("EC2::VPC") or list(holes(found))
        seen = "reached" if is_open else "nothing"
    assert seen == attack.seen(host)


def lets_out(account: Account, request: Request) -> bool:
    """Whether a call with somebody else's credentials gets to AWS: by a network without endpoints, all do."""
    endpoints = account.endpoints()
    stranger = Principal(f"arn:aws:iam::{FOREIGN}:role/any")
    service = request.action.partition(":")[0]
    return not endpoints or allowed(stranger, request, endpoints.get(service, []))


def test_from_inside_its_own_alias_and_what_it_is_granted_are_open(assemblies: dict[str, Assembly]) -> None:
    stacks = assemblies["enforced"].stacks().values()
    account = Account(dict(item for stack in stacks for item in stack.resources.items()))
    assert account.may(ASKER, Request(INVOKE, f"{SENDER}:asker"))
    ours: Context = {**NEW, "aws:PrincipalAccount": ACCOUNT, "aws:ResourceAccount": ACCOUNT}
    bucket = BUCKET.replace("stacktest", "walled")
    kept = Request("s3:PutObject", f"{bucket}/{HOUR}.delivery.audit-export.m-1.1.json.gz", ours)
    insider = Principal(f"arn:aws:iam::{ACCOUNT}:role/any")
    assert allowed(insider, kept, account.endpoints()["s3"])
