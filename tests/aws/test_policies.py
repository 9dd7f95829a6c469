"""The evaluator itself, each denial beside the permission that it differs from by one thing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.aws.policies import ACCOUNT, Principal, Request, UnknownPolicyError, allowed, matches, trusted

ARN = f"arn:aws:iam::{ACCOUNT}:role/r"
QUEUE = f"arn:aws:sqs:eu-central-1:{ACCOUNT}:q"
SEND = Request("sqs:SendMessage", QUEUE, {"aws:SecureTransport": "true"})


def statement(**changed: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE} | changed


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"Action": "sqs:sendmessage"}, True),
        ({"Action": ["sqs:Get*", "sqs:Send*"]}, True),
        ({"Action": "sqs:ReceiveMessage"}, False),
        ({"Resource": QUEUE[:-1] + "?"}, True),
        ({"Resource": QUEUE + "?"}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, True),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, False),
        ({"Condition": {"Null": {"aws:SecureTransport": "true"}}}, False),
        ({"Condition": {"StringLike": {"absent": "*"}}}, False),
        ({"Condition": {"ForAllValues:StringLike": {"absent": "x"}}}, True),
        ({"Condition": {"ForAllValues:StringEquals": {"absent": "x"}}}, True),
        ({"Condition": {"ForAllValues:StringEquals": {"absent": "x"}, "Null": {"absent": "false"}}}, False),
        ({"Effect": "Deny"}, False),
    ],
)
def test_a_role_may_do_what_its_policy_says(changed: dict[str, Any], expected: bool) -> None:
    assert allowed(Principal(ARN, (statement(**changed),)), SEND) is expected


def test_not_action_and_not_resource_allow_all_the_rest() -> None:
    for kept in ("Action", "Resource"):
        rest = statement(**{f"Not{kept}": "something:else"})
        del rest[kept]
        assert allowed(Principal(ARN, (rest,)), SEND)
        rest[f"Not{kept}"] = statement()[kept]
        assert not allowed(Principal(ARN, (rest,)), SEND)


def test_a_denial_anywhere_is_stronger_than_any_permission() -> None:
    denied = statement(Effect="Deny", Principal={"AWS": "*"})
    may = Principal(ARN, (statement(),))
    assert allowed(may, SEND)
    assert not allowed(may, SEND, [denied])


def test_a_policy_on_the_resource_lets_in_whom_it_names() -> None:
    nobody = Principal(ARN)
    assert allowed(nobody, SEND, [statement(Principal={"AWS": ARN})])
    assert not allowed(nobody, SEND, [statement(Principal={"AWS": ARN + "2"})])
    assert allowed(nobody, SEND, [statement(Principal="*")])
    assert not allowed(nobody, SEND, [statement(Principal={"Service": "sns.amazonaws.com"})])


def test_a_policy_that_names_the_account_leaves_it_to_the_role_s_own() -> None:
    account = statement(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    assert not allowed(Principal(ARN), SEND, [account])
    assert allowed(Principal(ARN, (statement(),)), SEND, [account])


def test_another_account_gets_in_only_by_the_resource_s_policy() -> None:
    outsider = Principal("arn:aws:iam::999999999999:role/r", (statement(),))
    assert not allowed(outsider, SEND)
    assert allowed(outsider, SEND, [statement(Principal={"AWS": "arn:aws:iam::999999999999:root"})])


def test_a_role_trusts_whom_its_trust_names() -> None:
    lambda_only = [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]
    assert trusted(Principal("lambda.amazonaws.com", service=True), lambda_only)
    assert not trusted(Principal(ARN), lambda_only)


@pytest.mark.parametrize(
    "odd",
    [
        {"NotPrincipal": "*"},
        {"Principal": {"Federated": "x"}},
        {"Condition": {"DateLessThan": {"aws:CurrentTime": "2027-01-01"}}},
    ],
)
def test_what_the_evaluator_does_not_know_it_refuses(odd: dict[str, Any]) -> None:
    policy = statement(**({"Principal": "*"} | odd))
    with pytest.raises(UnknownPolicyError):
        allowed(Principal(ARN), SEND, [policy])


def test_a_wildcard_passes_over_every_separator() -> None:
    assert matches("a*z", "a:b/c\nz")
    assert matches("a.c", "a.c")
    assert not matches("a.c", "abc")


@pytest.mark.parametrize(("operator", "pattern"), [("StringEquals", "keeper"), ("StringLike", "kee*")])
def test_for_all_values_asks_it_of_each_value_that_a_request_brings(operator: str, pattern: str) -> None:
    condition = {f"ForAllValues:{operator}": {"dynamodb:LeadingKeys": [pattern]}}
    may = Principal(ARN, (statement(Condition=condition),))
    for keys, expected in ((["keeper"], True), (["keeper", "keeper"], True), (["keeper", "other"], False)):
        request = Request(SEND.action, QUEUE, {"dynamodb:LeadingKeys": keys})
        assert allowed(may, request) is expected


def test_for_any_value_asks_it_of_one_value_that_a_request_brings() -> None:
    condition = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/a"}}
    may = Principal(ARN, (statement(Condition=condition),))
    for names, expected in ((["alias/a"], True), (["alias/b", "alias/a"], True), (["alias/b"], False)):
        assert allowed(may, Request(SEND.action, QUEUE, {"kms:ResourceAliases": names})) is expected
    assert not allowed(may, SEND)


def test_a_key_is_used_by_nobody_of_whom_its_policy_does_not_speak() -> None:
    key = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/k"
    asked = Request("kms:Decrypt", key)
    may = Principal(ARN, (statement(Action="kms:Decrypt", Resource=key),))
    policy = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    root = {**policy, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    assert allowed(may, asked, [root])
    assert not allowed(Principal(ARN), asked, [root])
    assert not allowed(may, asked, [])
    assert not allowed(may, asked, [{**root, "Principal": {"AWS": f"{ARN}2"}}])
    assert allowed(Principal(ARN), asked, [{**root, "Principal": {"AWS": ARN}}])
