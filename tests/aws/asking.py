"""What a call of AWS asks for, in IAM's words: actions, resources, condition keys, read from its HTTP.

Source: Service Authorization Reference, "Actions, resources, and condition keys" of each service. A call that
is not known here raises: nothing passes because nobody thought of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from penstock.adapters.keys import TABLES
from tests.aws.policies import ACCOUNT, Context, Request

REGION = "eu-central-1"
HERE = f"{REGION}:{ACCOUNT}"
# The run is plain HTTP on one machine; in AWS every call is HTTPS, and the policies ask for it.
SECURE: Context = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/aws4_request")
INVOKED = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
KEYS = {index.name: index.partition_key for table in TABLES for index in table.indexes}
# A batch is allowed by the action for one (Amazon SQS, "Actions").
SQS = {"SendMessageBatch": "SendMessage", "DeleteMessageBatch": "DeleteMessage"}


WAITING = f"arn:aws:states:{HERE}:stateMachine:stacktest-plugin-approval-gate"


class UnknownCallError(Exception):
    """A call whose meaning for IAM is not known here."""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request to AWS. `headers`: by lower-case name."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def access_key_id(self) -> str:
        return self._credential[0]

    @property
    def service(self) -> str:
        return self._credential[1]

    @property
    def operation(self) -> str:
        """Of the services that name it in a header."""
        return self.headers.get("x-amz-target", "").rpartition(".")[2]

    @property
    def parameters(self) -> Any:
        return json.loads(self.body)

    @property
    def _credential(self) -> tuple[str, str]:
        match = CREDENTIAL.search(self.headers.get("authorization", ""))
        if match is None:
            raise UnknownCallError("a call without a signature")
        return match[1], match[2]


def asked(call: Call) -> list[Request]:
    """All that must be allowed for the call to pass."""
    match call.service:
        case "dynamodb":
            return list(_dynamodb(call))
        case "sqs":
            name = str(call.parameters["QueueUrl"]).rpartition("/")[2]
            action = SQS.get(call.operation, call.operation)
            return [Request(f"sqs:{action}", f"arn:aws:sqs:{HERE}:{name}", SECURE)]
        case "secretsmanager":
            return [Request(f"secretsmanager:{call.operation}", _secret(call.parameters["SecretId"]), SECURE)]
        case "s3":
            return [_s3(call)]
        case "ses":
            return list(_email(call))
        case "states":
            return [_workflow(call)]
        case "lambda":
            return [Request("lambda:InvokeFunction", _function(call), SECURE)]
    raise UnknownCallError(f"{call.service} {call.operation}")


def listing(bucket: str) -> Request:
    """What S3 asks for besides before it says that an object is not there (API reference, GetObject)."""
    return Request("s3:ListBucket", f"arn:aws:s3:::{bucket}", SECURE)


def bucket_and_key(call: Call) -> tuple[str, str]:
    bucket, _, key = unquote(urlsplit(call.target).path).lstrip("/").partition("/")
    return bucket, key


def _dynamodb(call: Call) -> Iterator[Request]:
    given, action = call.parameters, f"dynamodb:{call.operation}"
    match call.operation:
        case "BatchGetItem":
            for table, wanted in given["RequestItems"].items():
                yield _items(action, table, [key["pk"]["S"] for key in wanted["Keys"]])
        case "PutItem":
            yield _items(action, given["TableName"], [given["Item"]["pk"]["S"]])
        case "GetItem" | "UpdateItem" | "DeleteItem":
            yield _items(action, given["TableName"], [given["Key"]["pk"]["S"]])
        case "Query":
            index = given.get("IndexName")
            table = f"{given['TableName']}{f'/index/{index}' if index else ''}"
            yield _items(action, table, [_queried(given, KEYS[index] if index else "pk")])
        case other:
            raise UnknownCallError(f"dynamodb {other}")


def _queried(given: Mapping[str, Any], key: str) -> str:
    """The partition that a query reads: DynamoDB asks for exactly one."""
    names = {**given.get("ExpressionAttributeNames", {}), key: key}
    for name, value in re.findall(r"([#\w]+)\s*=\s*(:\w+)", given["KeyConditionExpression"]):
        if names.get(name) == key:
            return str(given["ExpressionAttributeValues"][value]["S"])
    raise UnknownCallError("a query that names no partition")


def _items(action: str, table: str, keys: list[str]) -> Request:
    context = {**SECURE, "dynamodb:LeadingKeys": keys}
    return Request(action, f"arn:aws:dynamodb:{HERE}:table/{table}", context)


def _s3(call: Call) -> Request:
    bucket, key = bucket_and_key(call)
    query = parse_qs(urlsplit(call.target).query, keep_blank_values=True)
    if not key and call.method == "GET" and "list-type" in query:
        prefix = {"s3:prefix": query["prefix"][0]} if "prefix" in query else {}
        return Request("s3:ListBucket", f"arn:aws:s3:::{bucket}", {**SECURE, **prefix})
    actions = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject"}
    if not key or call.method not in actions or set(query) - {"x-id"}:
        raise UnknownCallError(f"s3 {call.method} with {sorted(query)}")
    new = call.headers.get("if-none-match")
    context: Context = {**SECURE, **({"s3:if-none-match": new} if new else {})}
    return Request(actions[call.method], f"arn:aws:s3:::{bucket}/{key}", context)


def _email(call: Call) -> Iterator[Request]:
    """Both identities that may be the verified one: which of them SES asks for, it alone knows."""
    if call.target != "/v2/email/outbound-emails" or "Simple" not in call.parameters["Content"]:
        raise UnknownCallError(f"ses {call.method} {call.target}")
    given, sender = call.parameters, str(call.parameters["FromEmailAddress"])
    recipients = [address for addresses in given["Destination"].values() for address in addresses]
    context: Context = {**SECURE, "ses:FromAddress": sender, "ses:Recipients": recipients}
    for identity in (sender, sender.rpartition("@")[2]):
        yield Request("ses:SendEmail", f"arn:aws:ses:{HERE}:identity/{identity}", context)


def _workflow(call: Call) -> Request:
    """Whose task a token is of, Step Functions knows: in these runs one workflow alone waits for anybody."""
    match call.operation:
        case "StartExecution":
            return Request("states:StartExecution", str(call.parameters["stateMachineArn"]), SECURE)
        case "SendTaskSuccess" if call.parameters["taskToken"]:
            return Request("states:SendTaskSuccess", WAITING, SECURE)
    raise UnknownCallError(f"states {call.operation}")


def _secret(name_or_arn: str) -> str:
    """Secrets Manager adds a hyphen and six characters to a name."""
    if name_or_arn.startswith("arn:"):
        return name_or_arn
    return f"arn:aws:secretsmanager:{HERE}:secret:{name_or_arn}-AbCdEf"


def _function(call: Call) -> str:
    target = urlsplit(call.target)
    match, query = INVOKED.fullmatch(unquote(target.path)), parse_qs(target.query, keep_blank_values=True)
    if match is None or set(query) - {"Qualifier"}:
        raise UnknownCallError(f"lambda {call.method}")
    whole = ":".join((match[1], *query.get("Qualifier", ())))
    return whole if whole.startswith("arn:") else f"arn:aws:lambda:{HERE}:function:{whole}"
