"""What AWS's own services are let do in a deployment, what hangs on what, and what templates are made of.

Roles are not the only ones who act: API Gateway and EventBridge invoke, Lambda and Step Functions take
roles, CloudWatch publishes. And a template can hand things on without any role: a replica, a stream, a policy
that is a property. So every kind of resource is one that somebody has looked at, and so is every property of
those that hold something.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.aws.account import KEY, RESOURCE_POLICIES, Account
from tests.aws.deployed import HERE, Deployed
from tests.aws.policies import ACCOUNT, many
from tests.infra.template import plain

# Kinds of resources. Those with policies the evaluator reads (`account`); the others give nobody anything, or
# only what `lets` and `wires` say.
KINDS = {
    "ApiGateway": "Account BasePathMapping Deployment DomainName GatewayResponse Method Resource RestApi"
    " Stage",
    "CloudWatch": "Alarm Dashboard",
    "DynamoDB": "Table",
    "EC2": "RouteTable SecurityGroup SecurityGroupEgress SecurityGroupIngress Subnet"
    " SubnetRouteTableAssociation VPC VPCEndpoint",
    "Events": "Rule",
    "IAM": "Role",
    "KMS": "Alias Key",
    "Lambda": "Alias EventInvokeConfig EventSourceMapping Function LayerVersion Permission Version",
    "Logs": "LogGroup MetricFilter",
    "Route53": "RecordSet",
    "Route53Resolver": "FirewallDomainList FirewallRuleGroup FirewallRuleGroupAssociation",
    "S3": "Bucket BucketPolicy",
    "SNS": "Topic TopicPolicy",
    "SQS": "Queue QueuePolicy",
    "SecretsManager": "Secret",
    "StepFunctions": "StateMachine",
    "WAFv2": "WebACL WebACLAssociation",
}
# Of what holds something: the properties that let nobody in and copy nothing to anywhere.
PROPERTIES = {
    "DynamoDB::Table": "AttributeDefinitions BillingMode DeletionProtectionEnabled GlobalSecondaryIndexes"
    " KeySchema PointInTimeRecoverySpecification SSESpecification TableName TimeToLiveSpecification",
    "KMS::Key": "Description EnableKeyRotation KeyPolicy",
    "Lambda::EventInvokeConfig": "FunctionName MaximumEventAgeInSeconds MaximumRetryAttempts Qualifier",
    "Logs::LogGroup": "KmsKeyId LogGroupName RetentionInDays",
    "S3::Bucket": "BucketEncryption BucketName ObjectLockConfiguration ObjectLockEnabled OwnershipControls"
    " PublicAccessBlockConfiguration VersioningConfiguration",
    "SNS::Topic": "KmsMasterKeyId TopicName",
    "SQS::Queue": "KmsMasterKeyId MessageRetentionPeriod QueueName RedrivePolicy SqsManagedSseEnabled"
    " VisibilityTimeout",
    "SecretsManager::Secret": "Description GenerateSecretString KmsKeyId Name",
}
INVOKE, ASSUME = "lambda:InvokeFunction", "sts:AssumeRole"
API = f"arn:aws:execute-api:{HERE}:<RestApi>/<Stage>"
IN_ACCOUNT = f"StringEquals aws:SourceAccount={ACCOUNT}"

# A service, what it may do, to what, and on whose behalf alone.
Let = tuple[str, str, str, str]
# What hands on, to whom.
Wire = tuple[str, str]


def unread(resources: Mapping[str, Any]) -> list[str]:
    """Resources of kinds, and properties, that nobody has looked at: add those that are harmless above."""
    kinds = {f"AWS::{service}::{kind}" for service, names in KINDS.items() for kind in names.split()}
    found = [f"{name}: {made['Type']}" for name, made in resources.items() if made["Type"] not in kinds]
    for name, made in resources.items():
        known = PROPERTIES.get(made["Type"].removeprefix("AWS::"))
        more = {*made.get("Properties", {})} - {*known.split()} if known else set()
        found += [f"{name}: {made['Type']}, {each}" for each in more]
    return found


def lets(account: Account) -> set[Let]:
    """What services may do, by any policy of the templates."""
    return {*_by_policies(account), *_by_permissions(account), *_by_trust(account)}


def declared(of: Deployed) -> set[Let]:
    """What they must be let do, and no more."""
    gateway, operations = _function(f"{of.role('gateway')}:live"), f"{KEY}{of.name}-operations"
    logs = f"ArnLike kms:EncryptionContext:aws:logs:arn=arn:aws:logs:{HERE}:log-group:*"
    found = {("apigateway", INVOKE, gateway, f"{API}/*/{rest}") for rest in ("", "*")}
    found |= {
        ("apigateway", INVOKE, _function(name), f"{API}/{method}/approvals/*/*")
        for name in of.approvals
        for method in ("GET", "HEAD", "POST")
    }
    found |= {("events", INVOKE, _function(name), f"rule of {name}") for name in _scheduled(of)}
    found |= {("lambda", ASSUME, name, "") for name in _functions(of)}
    for name in of.roles(*of.workflows):
        machine = f"ArnEquals aws:SourceArn=arn:aws:states:{HERE}:stateMachine:{name}"
        found.add(("states", ASSUME, f"workflow of {name}", f"{machine}, {IN_ACCOUNT}"))
    found |= {
        (f"logs.{HERE.partition(':')[0]}", f"kms:{action}", operations, logs)
        for action in ("Encrypt", "Decrypt", "ReEncrypt*", "GenerateDataKey*", "Describe*")
    }
    found |= {
        ("cloudwatch", f"kms:{action}", operations, IN_ACCOUNT) for action in ("Decrypt", "GenerateDataKey*")
    }
    topic = f"arn:aws:sns:{HERE}:{of.name}-alarms"
    return found | {
        ("apigateway", ASSUME, "<CloudWatchRole>", ""),
        ("cloudwatch", "sns:Publish", topic, IN_ACCOUNT),
    }


def wires(account: Account) -> set[Wire]:
    """What is handed to which function or queue: queues, schedules, paths, states of machines."""
    return {*_of_queues(account), *_of_rules(account), *_of_methods(account), *_of_machines(account)}


def wired(of: Deployed) -> set[Wire]:
    """How they must be."""
    queues = {of.role("outbox"): of.role("recorder")} | {name: name for name in of.roles(*of.background)}
    found = {(name, f"function {function}") for name, function in queues.items()}
    found |= {(name, f"queue {name}-dead") for name in queues}
    found |= {("schedule", f"function {name}") for name in _scheduled(of)}
    found.add(("ANY", f"function {of.role('gateway')}:live"))
    for name in of.approvals:
        found |= {(method, f"function {name}") for method in ("GET", "HEAD", "POST")}
    for plugin in of.workflows:
        (name,) = of.roles(plugin)
        asked = of.approvals if plugin in of.asking else set()
        found |= {(f"workflow of {name}", f"function {each}") for each in {name, *asked}}
    return found


def _by_policies(account: Account) -> Iterator[Let]:
    for kind, key in RESOURCE_POLICIES:
        for policy in account.of(kind).values():
            things = [account.arn(each) for each in many(policy["Properties"][key])]
            for thing in things:
                yield from _services(account, policy["Properties"]["PolicyDocument"], thing)
    for name, made in account.of("AWS::KMS::Key").items():
        yield from _services(account, made["Properties"]["KeyPolicy"], f"{KEY}{account.keys[name]}")


def _by_permissions(account: Account) -> Iterator[Let]:
    for made in account.of("AWS::Lambda::Permission").values():
        given = made["Properties"]
        source = _named(account, plain(given.get("SourceArn", "anywhere")))
        function = account.arn(given["FunctionName"])
        yield str(given["Principal"]).removesuffix(".amazonaws.com"), given["Action"], function, source


def _by_trust(account: Account) -> Iterator[Let]:
    for name, role in account.roles.items():
        made = account.of("AWS::IAM::Role")[role.arn.rpartition("/")[2]]
        known = "<CloudWatchRole>" if "CloudWatchRole" in name else name
        yield from _services(account, made["Properties"]["AssumeRolePolicyDocument"], known)


def _services(account: Account, document: Mapping[str, Any], thing: str) -> Iterator[Let]:
    for statement in many(document["Statement"]):
        principal = statement["Principal"]
        named = [] if isinstance(principal, str) else many(principal.get("Service", []))
        for service in named if statement["Effect"] == "Allow" else ():
            known = plain(service).removesuffix(".amazonaws.com")
            for action in many(statement["Action"]):
                yield known, action, thing, _alone(account, statement.get("Condition", {}))


def _alone(account: Account, conditions: Mapping[str, Any]) -> str:
    said = [
        f"{operator} {key}={account.arn(wanted)}"
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    ]
    return ", ".join(sorted(said))


def _named(account: Account, source: str) -> str:
    """A source with what it is for the names that CDK gives: of a schedule, the function that it starts."""
    for name, made in account.of("AWS::Events::Rule").items():
        targets = [_short(account.arn(target["Arn"])) for target in made["Properties"]["Targets"]]
        source = source.replace(f"${{{name}.Arn}}", f"rule of {', '.join(targets)}")
    for kind in ("RestApi", "Stage"):
        for name in account.of(f"AWS::ApiGateway::{kind}"):
            source = source.replace(f"${{{name}}}", f"<{kind}>")
    return source


def _of_queues(account: Account) -> Iterator[Wire]:
    for made in account.of("AWS::Lambda::EventSourceMapping").values():
        source, function = (
            account.arn(made["Properties"][key]) for key in ("EventSourceArn", "FunctionName")
        )
        yield _short(source), f"function {_short(function)}"
    for made in account.of("AWS::SQS::Queue").values():
        if "RedrivePolicy" in made["Properties"]:
            dead = account.arn(made["Properties"]["RedrivePolicy"]["deadLetterTargetArn"])
            yield plain(made["Properties"]["QueueName"]), f"queue {_short(dead)}"


def _of_rules(account: Account) -> Iterator[Wire]:
    for made in account.of("AWS::Events::Rule").values():
        for target in made["Properties"]["Targets"]:
            yield "schedule", f"function {_short(account.arn(target['Arn']))}"


def _of_methods(account: Account) -> Iterator[Wire]:
    for made in account.of("AWS::ApiGateway::Method").values():
        uri = account.arn(made["Properties"]["Integration"]["Uri"])
        (function,) = re.findall(r"/functions/(.+)/(?:response-streaming-)?invocations$", uri)
        yield made["Properties"]["HttpMethod"], f"function {_short(function)}"


def _of_machines(account: Account) -> Iterator[Wire]:
    for made in account.of("AWS::StepFunctions::StateMachine").values():
        name = f"workflow of {made['Properties']['StateMachineName']}"
        for state in json.loads(plain(made["Properties"]["DefinitionString"]))["States"].values():
            if state["Type"] == "Task":
                kind = state["Resource"].removesuffix(".waitForTaskToken")
                asked = "function" if kind == "arn:aws:states:::lambda:invoke" else kind
                yield name, f"{asked} {state['Parameters']['FunctionName']}"


def _scheduled(of: Deployed) -> tuple[str, ...]:
    return of.role("sweeper"), of.role("sealer")


def _functions(of: Deployed) -> set[str]:
    ours = {*map(of.role, ("gateway", "recorder", "sweeper", "sealer"))}
    return ours | of.approvals | of.roles(*of.background, *of.called, *of.workflows)


def _function(name: str) -> str:
    return f"arn:aws:lambda:{HERE}:function:{name}"


def _short(arn: str) -> str:
    """The name in an ARN, of a function with its version."""
    return arn.rpartition(":function:")[2] if ":function:" in arn else arn.rpartition(":")[2]
