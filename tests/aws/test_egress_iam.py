"""Who may send for whom under `egress = "enforced"`, and what the network's endpoints let pass."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.egress_network import BY_LAMBDA, INTERFACE_ACTIONS, INTERFACES
from tests.aws.account import Account
from tests.aws.deployed import HERE
from tests.aws.policies import ACCOUNT, Context, Principal, Request, allowed, many
from tests.aws.reach import _thing, reached
from tests.aws.test_iam import give, statement, statements
from tests.infra.template import Assembly

EXPORT, ASKER, CARD = "walled-plugin-audit-export", "walled-plugin-asker", "walled-plugin-card-guard"
OWNERS = {"audit-export": EXPORT, "asker": ASKER}
SENDER = f"arn:aws:lambda:{HERE}:function:walled-egress"
FOREIGN = "999999999999"
INSIDER = Principal(f"arn:aws:iam::{ACCOUNT}:role/any")
STRANGER = Principal(f"arn:aws:iam::{FOREIGN}:role/any")
CALL = "lambda:InvokeFunction"
Resources = dict[str, Any]


@pytest.fixture(scope="module")
def resources(assemblies: dict[str, Assembly]) -> Resources:
    stacks = assemblies["enforced"].stacks().values()
    return dict(resource for stack in stacks for resource in stack.resources.items())


def wrong(resources: Resources) -> Iterator[str]:
    """What is not as it is declared."""
    account = Account(resources)
    yield from _aliases(account)
    yield from _interfaces(account)
    for service, policy in account.endpoints().items():
        yield from (f"{service}: {what}" for what in _admitted(policy))
    yield from _shut_out(account)


def _aliases(account: Account) -> Iterator[str]:
    for plugin, owner in OWNERS.items():
        if account.who(Request(CALL, f"{SENDER}:{plugin}")) != {owner}:
            yield f"the alias of {plugin} has another owner"
        rest = _thing(f"{SENDER}:{plugin}", "lambda", but=("InvokeFunction",), more=("InvokeFunctionUrl",))
        if reached(account, rest):
            yield f"the alias of {plugin} can be changed"
    for version in ("", ":1", ":$LATEST", ":card-guard", ":nobody"):
        if reached(account, _thing(f"{SENDER}{version}", "lambda", more=("InvokeFunction",))):
            yield f"the function itself is reached, as {version or 'it is'}"


def _interfaces(account: Account) -> Iterator[str]:
    """Lambda attaches each function as its role; from inside of the function the same role may not."""
    for name in (EXPORT, ASKER, CARD):
        inside: Context = {"lambda:SourceFunctionArn": f"arn:aws:lambda:{HERE}:function:{name}"}
        for action in INTERFACE_ACTIONS:
            if not account.may(name, Request(action, "*")):
                yield f"Lambda may not {action} for {name}"
            if account.may(name, Request(action, "*", inside)):
                yield f"the code of {name} may {action}"


def _admitted(policy: list[Any]) -> Iterator[str]:
    """Both accounts must be ours, whoever asks for whatever the policy names."""
    for one in policy:
        for action in many(one["Action"]):
            for resource in many(one["Resource"]):
                if not _passes(policy, INSIDER, action, resource, ACCOUNT):
                    yield f"{action} does not pass"
                if _passes(policy, STRANGER, action, resource, FOREIGN):
                    yield f"{action} passes to another account with its own credentials"
                if _passes(policy, STRANGER, action, resource, ACCOUNT):
                    yield f"{action} passes with credentials of another account"
                if _passes(policy, INSIDER, action, resource, FOREIGN):
                    yield f"{action} passes to another account"
                if allowed(STRANGER, Request(action, resource), policy):
                    yield f"{action} passes without credentials"


def _passes(policy: list[Any], who: Principal, action: str, resource: str, owner: str) -> bool:
    context: Context = {"aws:PrincipalAccount": who.account, "aws:ResourceAccount": owner}
    return allowed(who, Request(action, resource, context), policy)


def _shut_out(account: Account) -> Iterator[str]:
    """What a role is given, and no endpoint lets pass: a plugin that cannot do what it is granted.

    Of keys the services ask KMS themselves, in the role's name and not from inside of the network.
    """
    endpoints = account.endpoints()
    for name in (EXPORT, ASKER, CARD):
        for one in account.roles[name].statements:
            for action in set(many(one["Action"])) - BY_LAMBDA:
                service = action.partition(":")[0]
                policy = endpoints.get(INTERFACES.get(service, service), [])
                for resource in many(one["Resource"]) if service not in {"ec2", "kms", "logs"} else []:
                    if not _passes(policy, INSIDER, action, resource, ACCOUNT):
                        yield f"{name} cannot {action} from inside"


def test_each_alias_is_its_owner_s_and_the_endpoints_are_this_account_s(resources: Resources) -> None:
    assert list(wrong(resources)) == []


def endpoint(resources: Resources, service: str) -> dict[str, Any]:
    found = next(
        r["Properties"]
        for r in resources.values()
        if r["Type"] == "AWS::EC2::VPCEndpoint" and str(r["Properties"]["ServiceName"]).count(f".{service}'")
    )
    policy: dict[str, Any] = found["PolicyDocument"]["Statement"][0]
    return policy


def the_function_itself(resources: Resources) -> None:
    statement(resources, ASKER, CALL)["Resource"] = SENDER


def another_s_alias(resources: Resources) -> None:
    statement(resources, ASKER, CALL)["Resource"] = f"{SENDER}:audit-export"


def every_alias(resources: Resources) -> None:
    statement(resources, ASKER, CALL)["Resource"] = f"{SENDER}:*"


def every_function(resources: Resources) -> None:
    statement(resources, EXPORT, CALL)["Resource"] = f"arn:aws:lambda:{HERE}:function:walled-*"


def an_alias_for_who_has_none(resources: Resources) -> None:
    give(resources, CARD, CALL, f"{SENDER}:asker")


def moving_an_alias(resources: Resources) -> None:
    give(resources, ASKER, "lambda:UpdateAlias", f"{SENDER}:asker")


def an_alias_for_the_gateway(resources: Resources) -> None:
    statement(resources, "walled-gateway", CALL)["Resource"] = "*"


def any_principal(resources: Resources) -> None:
    endpoint(resources, "lambda")["Condition"] = {}


def any_principal_s_account(resources: Resources) -> None:
    del endpoint(resources, "secretsmanager")["Condition"]["StringEquals"]["aws:PrincipalAccount"]


def any_resource_s_account(resources: Resources) -> None:
    del endpoint(resources, "s3")["Condition"]["StringEquals"]["aws:ResourceAccount"]


def another_account(resources: Resources) -> None:
    endpoint(resources, "sqs")["Condition"]["StringEquals"]["aws:PrincipalAccount"] = FOREIGN


def code_that_makes_interfaces(resources: Resources) -> None:
    own = statements(resources, CARD)
    own[:] = [one for one in own if one["Effect"] != "Deny"]


def a_denial_of_another_function(resources: Resources) -> None:
    denial = next(one for one in statements(resources, CARD) if one["Effect"] == "Deny")
    denial["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"] = [f"{SENDER}:other"]


def an_endpoint_that_is_not_there(resources: Resources) -> None:
    for name, resource in list(resources.items()):
        if (
            resource["Type"] == "AWS::EC2::VPCEndpoint"
            and resource["Properties"]["VpcEndpointType"] == "Gateway"
        ):
            del resources[name]


MISTAKES = (
    the_function_itself,
    another_s_alias,
    every_alias,
    every_function,
    an_alias_for_who_has_none,
    moving_an_alias,
    an_alias_for_the_gateway,
    any_principal,
    any_principal_s_account,
    any_resource_s_account,
    another_account,
    code_that_makes_interfaces,
    a_denial_of_another_function,
    an_endpoint_that_is_not_there,
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_is_noticed(resources: Resources, mistake: Callable[[Resources], None]) -> None:
    broken = copy.deepcopy(resources)
    mistake(broken)
    assert list(wrong(broken))
