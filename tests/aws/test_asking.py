"""Calls as botocore makes them, read in IAM's words; and that what is not understood does not pass."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.aws.account import Account
from tests.aws.asking import Call, UnknownCallError, asked
from tests.aws.policies import ACCOUNT

TABLE = f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/t"


def call(service: str, operation: str = "", parameters: Any = None, **also: str) -> Call:
    signed = f"AWS4-HMAC-SHA256 Credential=ASIA1/20261122/eu-central-1/{service}/aws4_request, Signature=0"
    headers = {"authorization": signed, "x-amz-target": f"Any_20120810.{operation}"}
    method, target = also.pop("method", "POST"), also.pop("target", "/")
    return Call(method, target, headers | also, json.dumps(parameters).encode())


def key(name: str) -> dict[str, Any]:
    return {"pk": {"S": name}}


@pytest.mark.parametrize(
    ("operation", "parameters", "resource", "keys"),
    [
        ("PutItem", {"TableName": "t", "Item": key("a")}, TABLE, ["a"]),
        ("UpdateItem", {"TableName": "t", "Key": key("a")}, TABLE, ["a"]),
        ("BatchGetItem", {"RequestItems": {"t": {"Keys": [key("a"), key("b")]}}}, TABLE, ["a", "b"]),
        (
            "Query",
            {
                "TableName": "t",
                "IndexName": "open",
                "KeyConditionExpression": "open_shard = :s AND opened_at_ms < :b",
                "ExpressionAttributeValues": {":s": {"S": "open#01"}, ":b": {"N": "1"}},
            },
            f"{TABLE}/index/open",
            ["open#01"],
        ),
    ],
)
def test_items_are_asked_for_by_their_partitions(
    operation: str, parameters: Any, resource: str, keys: list[str]
) -> None:
    (request,) = asked(call("dynamodb", operation, parameters))
    assert (request.action, request.resource) == (f"dynamodb:{operation}", resource)
    assert request.context["dynamodb:LeadingKeys"] == keys


def test_an_object_is_stored_as_new_only_when_the_call_says_so() -> None:
    new = call("s3", method="PUT", target="/bucket/org%3Da/x.gz", **{"if-none-match": "*"})
    (request,) = asked(new)
    assert (request.action, request.resource) == ("s3:PutObject", "arn:aws:s3:::bucket/org=a/x.gz")
    assert request.context["s3:if-none-match"] == "*"
    (request,) = asked(call("s3", method="PUT", target="/bucket/x.gz"))
    assert "s3:if-none-match" not in request.context


def test_a_listing_is_asked_for_by_its_prefix() -> None:
    (request,) = asked(call("s3", method="GET", target="/bucket?list-type=2&prefix=org%3Da%2F"))
    assert (request.action, request.resource) == ("s3:ListBucket", "arn:aws:s3:::bucket")
    assert request.context["s3:prefix"] == "org=a/"


def test_queues_secrets_and_functions_are_asked_for_by_their_names() -> None:
    url = {"QueueUrl": "https://sqs.eu-central-1.amazonaws.com/123456789012/outbox"}
    (request,) = asked(call("sqs", "SendMessageBatch", url))
    assert (request.action, request.resource.rpartition(":")[2]) == ("sqs:SendMessage", "outbox")
    (request,) = asked(call("secretsmanager", "GetSecretValue", {"SecretId": "a/b"}))
    assert request.resource.endswith(":secret:a/b-AbCdEf")
    (request,) = asked(call("lambda", target="/2015-03-31/functions/f/invocations"))
    assert (request.action, request.resource.rpartition(":")[2]) == ("lambda:InvokeFunction", "f")


@pytest.mark.parametrize("named", ["f%3Aone/invocations", "f/invocations?Qualifier=one"])
def test_an_alias_is_asked_for_however_it_is_named(named: str) -> None:
    (request,) = asked(call("lambda", target=f"/2015-03-31/functions/{named}"))
    assert request.resource.endswith(":function:f:one")


def mail(content: str) -> Call:
    given = {
        "FromEmailAddress": "bot@acme.example",
        "Destination": {"ToAddresses": ["a@b.example"], "BccAddresses": ["c@d.example"]},
        "Content": {content: {}},
    }
    return call("ses", parameters=given, target="/v2/email/outbound-emails")


def test_an_e_mail_is_asked_for_by_its_sender_and_all_its_recipients() -> None:
    found = asked(mail("Simple"))
    assert [request.resource.rpartition("/")[2] for request in found] == ["bot@acme.example", "acme.example"]
    for request in found:
        assert (request.action, request.context["ses:FromAddress"]) == ("ses:SendEmail", "bot@acme.example")
        assert request.context["ses:Recipients"] == ["a@b.example", "c@d.example"]


@pytest.mark.parametrize(
    "strange",
    [
        call("dynamodb", "Scan", {"TableName": "t"}),
        call("dynamodb", "Query", {"TableName": "t", "KeyConditionExpression": "a > :b"}),
        call("s3", method="DELETE", target="/bucket/x"),
        call("s3", method="PUT", target="/bucket/x?retention"),
        call("kms", "Decrypt", {}),
        mail("Raw"),
        Call("POST", "/", {}, b""),
    ],
    ids=lambda strange: f"{strange.method} {strange.operation or strange.target}",
)
def test_a_call_that_is_not_understood_does_not_pass(strange: Call) -> None:
    with pytest.raises(UnknownCallError):
        asked(strange)


def test_nobody_s_key_may_do_nothing() -> None:
    (request,) = asked(call("secretsmanager", "GetSecretValue", {"SecretId": "a"}))
    assert not Account({}).may("", request)
