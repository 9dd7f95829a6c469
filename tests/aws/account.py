"""One account with one deployment in it, read from its templates: who there is, and what each can reach.

Besides the template's roles there are two that could be anywhere: `stranger`, of the same account, may call
AssumeRole on everything and nothing else; `outsider` is of another account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from tests.aws.policies import (
    ACCOUNT,
    Principal,
    Request,
    Statement,
    UnknownPolicyError,
    allowed,
    allowed_any,
    many,
    trusted,
    understood,
)
from tests.infra.template import plain

STRANGER = Principal(
    f"arn:aws:iam::{ACCOUNT}:role/stranger",
    ({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"},),
)
OUTSIDER = Principal("arn:aws:iam::999999999999:role/outsider")

# What AWS's own policies allow, of those that a template of ours may attach.
MANAGED = {
    "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs": {
        "Effect": "Allow",
        "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:GetLogEvents"],
        "Resource": "*",
    }
}
# On a role: who may do one of these to it has all that it has.
OVER_A_ROLE = (
    "iam:AttachRolePolicy",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePolicy",
    "iam:UpdateAssumeRolePolicy",
)
# On a function: who may do one of these runs code of their own under the function's role.
OVER_A_FUNCTION = ("lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration")
TO_PASS_TO = ("lambda:CreateFunction", "lambda:UpdateFunctionConfiguration")

RESOURCE_POLICIES = (
    ("AWS::S3::BucketPolicy", "Bucket"),
    ("AWS::SQS::QueuePolicy", "Queues"),
    ("AWS::SNS::TopicPolicy", "Topics"),
    ("AWS::SecretsManager::ResourcePolicy", "SecretId"),
)
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/"
ARNS = {
    "AWS::DynamoDB::Table": ("TableName", f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/{{}}"),
    "AWS::Lambda::Function": ("FunctionName", f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:{{}}"),
    "AWS::SQS::Queue": ("QueueName", f"arn:aws:sqs:eu-central-1:{ACCOUNT}:{{}}"),
    "AWS::S3::Bucket": ("BucketName", "arn:aws:s3:::{}"),
    "AWS::SNS::Topic": ("TopicName", f"arn:aws:sns:eu-central-1:{ACCOUNT}:{{}}"),
    "AWS::Logs::LogGroup": ("LogGroupName", f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:{{}}:*"),
    "AWS::SecretsManager::Secret": (
        "Name",
        f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:{{}}-AbCdEf",
    ),
}


class Account:
    """`resources`: logical id → resource, of all stacks together."""

    def __init__(self, resources: Mapping[str, Any]) -> None:
        self._resources = resources
        self._known: dict[str, list[Statement]] = {}

    @cached_property
    def roles(self) -> dict[str, Principal]:
        """By the name of the function that has it; other roles by their logical id."""
        users = {
            function["Properties"]["Role"]["Fn::GetAtt"][0]: str(function["Properties"]["FunctionName"])
            for function in self._of("AWS::Lambda::Function").values()
        }
        for machine in self._of("AWS::StepFunctions::StateMachine").values():
            properties = machine["Properties"]
            users[properties["RoleArn"]["Fn::GetAtt"][0]] = f"workflow of {properties['StateMachineName']}"
        made = self._of("AWS::IAM::Role").items()
        return {users.get(identity, identity): self._principal(identity, role) for identity, role in made}

    def who(self, request: Request) -> set[str]:
        """Names of all who are let through, or can become somebody who is."""
        return self.who_any((request.action,), request)

    def who_any(self, actions: Sequence[str], asked: Request) -> set[str]:
        """The same for one of several actions, on the resource and in the context of `asked`."""
        there = self._on(asked.resource)
        found = {name for name, who in self._everybody.items() if allowed_any(who, actions, asked, there)}
        while more := {n for n in self._everybody if n not in found and self._becomes.get(n, set()) & found}:
            found |= more
        return found

    def may(self, function: str, request: Request) -> bool:
        """Whether AWS lets the function's role do it; nobody's role may do nothing."""
        role = self.roles.get(function)
        return role is not None and allowed(role, request, self._on(request.resource))

    def key_of(self, kind: str, key: Callable[[Any], Any], thing: str) -> str | None:
        """ARN of the key under which a thing of the template is; None: AWS's own, or not of the template."""
        for identity, resource in self._of(kind).items():
            found = key(resource["Properties"])
            if found is not None and self._arn_of(identity) == thing:
                return self._arn(found)
        return None

    def lets(self, service: str, key: str, asked: Request) -> bool:
        """Whether the policy on a key lets a service use it in its own name."""
        resource = f"{KEY}{key}"
        request = Request(asked.action, resource, asked.context)
        return allowed(Principal(service, service=True), request, self._on(resource))

    def of(self, kind: str) -> dict[str, Any]:
        """Logical id → resource, of one type."""
        return self._of(kind)

    def arn(self, reference: Any) -> str:
        """What a reference of the template stands for."""
        return self._arn(reference)

    def may_start(self, function: str) -> bool:
        """Whether Lambda can become the function's role."""
        service = Principal("lambda.amazonaws.com", service=True)
        return trusted(service, self._trust[function])

    @cached_property
    def keys(self) -> dict[str, str]:
        """Logical id of a key → what stands for its id here: its alias, else the logical id."""
        aliases = [made["Properties"] for made in self._of("AWS::KMS::Alias").values()]
        named = {a["TargetKeyId"]["Fn::GetAtt"][0]: a["AliasName"].removeprefix("alias/") for a in aliases}
        return {identity: named.get(identity, identity) for identity in self._of("AWS::KMS::Key")}

    def endpoints(self) -> dict[str, list[Statement]]:
        """By the service: the statements of the policy on the network's endpoint of it."""
        found = (endpoint["Properties"] for endpoint in self._of("AWS::EC2::VPCEndpoint").values())
        named = ((plain(each["ServiceName"]).rpartition(".")[2], each) for each in found)
        return {name: self._filled(each["PolicyDocument"]) for name, each in named}

    @cached_property
    def _everybody(self) -> dict[str, Principal]:
        return self.roles | {"stranger": STRANGER, "outsider": OUTSIDER}

    @cached_property
    def _becomes(self) -> dict[str, set[str]]:
        everybody = self._everybody
        return {
            name: {other for other in self.roles if other != name and self._becomes_one(who, other)}
            for name, who in everybody.items()
        }

    def _becomes_one(self, who: Principal, other: str) -> bool:
        role = self.roles[other]
        if allowed_any(who, OVER_A_ROLE, Request("", role.arn)):
            return True
        if trusted(who, self._trust[other]) and self._may_assume(who, role):
            return True
        function = Request("", _lambda(other))
        if other in self._function_names and allowed_any(
            who, OVER_A_FUNCTION, function, self._on(function.resource)
        ):
            return True
        passes = allowed(who, Request("iam:PassRole", role.arn))
        return passes and allowed_any(who, TO_PASS_TO, Request("", _lambda("any")))

    def _may_assume(self, who: Principal, role: Principal) -> bool:
        """Another account's own policies are not ours to know: they may let it ask."""
        return (
            who.account != ACCOUNT
            or allowed(who, Request("sts:AssumeRole", role.arn))
            or (
                # Named itself in the trust, a principal of the account needs no policy of its own.
                any(who.arn in many(s["Principal"].get("AWS", [])) for s in self._trust_of(role))
            )
        )

    @cached_property
    def _trust(self) -> dict[str, list[Statement]]:
        return {name: self._trust_of(role) for name, role in self.roles.items()}

    def _trust_of(self, role: Principal) -> list[Statement]:
        identity = role.arn.rpartition("/")[2]
        return _statements(self._resources[identity]["Properties"]["AssumeRolePolicyDocument"])

    @cached_property
    def _function_names(self) -> set[str]:
        return {str(f["Properties"]["FunctionName"]) for f in self._of("AWS::Lambda::Function").values()}

    def _principal(self, identity: str, role: Mapping[str, Any]) -> Principal:
        properties = role["Properties"]
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        for attached in self._of("AWS::IAM::Policy").values():
            if {"Ref": identity} in attached["Properties"].get("Roles", []):
                documents += [attached["Properties"]["PolicyDocument"]]
        found = [statement for document in documents for statement in self._filled(document)]
        for arn in map(plain, properties.get("ManagedPolicyArns", [])):
            if arn not in MANAGED:
                raise UnknownPolicyError(f"the managed policy {arn}")
            found.append(MANAGED[arn])
        return Principal(f"arn:aws:iam::{ACCOUNT}:role/{identity}", tuple(understood(found)))

    def _on(self, resource: str) -> list[Statement]:
        """Statements of the policies on what an ARN names."""
        if resource not in self._known:
            self._known[resource] = understood(list(self._read_on(resource)))
        return self._known[resource]

    def _read_on(self, resource: str) -> Iterable[Statement]:
        for kind, key in RESOURCE_POLICIES:
            for policy in self._of(kind).values():
                properties = policy["Properties"]
                arns = [self._arn(reference) for reference in many(properties[key])]
                if any(resource == arn or resource.startswith(f"{arn}/") for arn in arns):
                    yield from self._filled(properties["PolicyDocument"])
        if resource.startswith(KEY):
            yield from self._on_key(resource.removeprefix(KEY))
        for permission in self._of("AWS::Lambda::Permission").values():
            yield from self._permission(permission["Properties"], resource)

    def _on_key(self, name: str) -> Iterable[Statement]:
        """Of a key of somebody else's: that the account's IAM decides, as it does unless told otherwise."""
        ours = [identity for identity, known in self.keys.items() if known == name]
        for identity in ours:
            yield from self._filled(self._resources[identity]["Properties"]["KeyPolicy"])
        if not ours:
            root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
            yield {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}

    def _permission(self, properties: Mapping[str, Any], resource: str) -> Iterable[Statement]:
        """A Lambda permission as the statement that Lambda makes of it."""
        function = self._arn(properties["FunctionName"])
        if resource == function:
            kind = "Service" if str(properties["Principal"]).endswith(".amazonaws.com") else "AWS"
            principal = "*" if properties["Principal"] == "*" else {kind: properties["Principal"]}
            yield {
                "Effect": "Allow",
                "Principal": principal,
                "Action": properties["Action"],
                "Resource": resource,
            }

    def _of(self, kind: str) -> dict[str, Any]:
        return {name: resource for name, resource in self._resources.items() if resource["Type"] == kind}

    def _filled(self, document: Mapping[str, Any]) -> list[Statement]:
        return [{key: self._fill(key, value) for key, value in s.items()} for s in _statements(document)]

    def _fill(self, key: str, value: Any) -> Any:
        if key in {"Resource", "NotResource"}:
            return [self._arn(one) for one in many(value)]
        if key == "Principal" and isinstance(value, Mapping):
            return {kind: [plain(one) for one in many(names)] for kind, names in value.items()}
        if key == "Condition":
            return {
                operator: {name: [self._arn(one) for one in many(wanted)] for name, wanted in keys.items()}
                for operator, keys in value.items()
            }
        return value

    def _arn(self, value: Any) -> str:
        """A reference as the ARN that it stands for."""
        match value:
            case {"Ref": identity} | {"Fn::GetAtt": [identity, "Arn" | "TopicArn"]} if (
                identity in self._resources
            ):
                return self._arn_of(identity)
            case {"Fn::Join": [separator, parts]}:
                return str(separator).join(self._arn(part) for part in parts)
        return plain(value)

    def _arn_of(self, identity: str) -> str:
        resource = self._resources[identity]
        if resource["Type"] == "AWS::Lambda::Alias":
            return f"{self._arn(resource['Properties']['FunctionName'])}:{resource['Properties']['Name']}"
        if resource["Type"] == "AWS::IAM::Role":
            return f"arn:aws:iam::{ACCOUNT}:role/{identity}"
        if resource["Type"] == "AWS::KMS::Key":
            return f"{KEY}{self.keys[identity]}"
        if resource["Type"] not in ARNS:
            return f"${{{identity}}}"
        key, pattern = ARNS[resource["Type"]]
        return pattern.format(plain(resource["Properties"][key]))


def _lambda(name: str) -> str:
    return f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:{name}"


def _statements(document: Mapping[str, Any]) -> list[Statement]:
    return many(document["Statement"])
