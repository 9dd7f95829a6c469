"""Services act too, and templates can hand things on without a role: every such way is a declared one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.aws.account import Account
from tests.aws.deployed import DEPLOYED, HERE, STACKTEST, Deployed
from tests.aws.reach import differences
from tests.aws.services import ASSUME, declared, lets, unread, wired, wires
from tests.aws.test_iam import open_policy, role, together
from tests.infra.conftest import CONFIGURATIONS
from tests.infra.template import Assembly

Resources = dict[str, Any]
GATE, FOLLOW_UP = (f"stacktest-plugin-{name}" for name in ("approval-gate", "follow-up"))
APPROVALS, GATEWAY = "stacktest-approvals", "stacktest-gateway"
ELSEWHERE = "eu-central-1:999999999999"
WALLED = Deployed(
    name="walled",
    background=("audit-export",),
    called=("card-guard", "asker"),
    secrets={"walled/signing": ("audit-export",)},
)


def wrong(resources: Resources) -> list[object]:
    account = Account(resources)
    return [*unread(resources), *(lets(account) ^ declared(STACKTEST)), *(wires(account) ^ wired(STACKTEST))]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_templates_are_made_of_nothing_that_nobody_has_looked_at(
    name: str, assemblies: dict[str, Assembly]
) -> None:
    assert unread(together(assemblies[name])) == []


@pytest.mark.parametrize("name", DEPLOYED)
def test_services_are_let_do_what_is_declared_for_ours_alone(
    name: str, assemblies: dict[str, Assembly]
) -> None:
    assert lets(Account(together(assemblies[name]))) == declared(DEPLOYED[name])


@pytest.mark.parametrize("name", DEPLOYED)
def test_queues_schedules_paths_and_machines_lead_where_is_declared(
    name: str, assemblies: dict[str, Assembly]
) -> None:
    assert wires(Account(together(assemblies[name]))) == wired(DEPLOYED[name])


def test_behind_a_network_without_a_route_out_the_same_is_true(assemblies: dict[str, Assembly]) -> None:
    account = Account(together(assemblies["enforced"]))
    assert lets(account) == declared(WALLED) | {("lambda", ASSUME, "walled-egress", "")}
    assert wires(account) == wired(WALLED)
    assert differences(account, WALLED) == {}


def function(resources: Resources, name: str) -> str:
    return next(
        identity
        for identity, made in resources.items()
        if made["Type"] == "AWS::Lambda::Function" and made["Properties"]["FunctionName"] == name
    )


def first(resources: Resources, kind: str, word: str = "") -> dict[str, Any]:
    """Properties of the first of its kind whose logical id has the word."""
    found: dict[str, Any] = next(
        made["Properties"]
        for name, made in resources.items()
        if made["Type"] == f"AWS::{kind}" and word in name
    )
    return found


def added(kind: str, **properties: object) -> Callable[[Resources], None]:
    """A mistake that is one more resource."""
    return lambda resources: resources.update(Added={"Type": f"AWS::{kind}", "Properties": properties})


def given(kind: str, **properties: object) -> Callable[[Resources], None]:
    """A mistake that is one more property of the first resource of a kind."""
    return lambda resources: first(resources, kind).update(properties)


def permission(name: str, **more: object) -> Callable[[Resources], None]:
    """A service may invoke a function."""

    def mistake(resources: Resources) -> None:
        arn = {"Fn::GetAtt": [function(resources, name), "Arn"]}
        added("Lambda::Permission", Action="lambda:InvokeFunction", FunctionName=arn, **more)(resources)

    return mistake


def policy(kind: str, service: str, action: str) -> Callable[[Resources], None]:
    """A policy on a thing lets a service in."""
    principal = {"Service": f"{service}.amazonaws.com"}
    let = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    return lambda resources: open_policy(resources, f"AWS::{kind}", let)


def a_topic_for_every_account_s_alarms(resources: Resources) -> None:
    for statement in first(resources, "SNS::TopicPolicy")["PolicyDocument"]["Statement"]:
        if statement["Effect"] == "Allow":
            del statement["Condition"]


def a_key_for_a_service(resources: Resources) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "kms:Decrypt"}
    first(resources, "KMS::Key", "KeysData")["KeyPolicy"]["Statement"].append(statement)


def machine(resources: Resources, name: str) -> dict[str, Any]:
    found = (made for made in resources.values() if made["Type"] == "AWS::StepFunctions::StateMachine")
    named: dict[str, Any] = next(
        m["Properties"] for m in found if m["Properties"]["StateMachineName"] == name
    )
    return named


def machines_of_other_accounts(resources: Resources) -> None:
    identity = machine(resources, GATE)["RoleArn"]["Fn::GetAtt"][0]
    (trusting,) = resources[identity]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    del trusting["Condition"]


def machines_of_every_name(resources: Resources) -> None:
    identity = machine(resources, GATE)["RoleArn"]["Fn::GetAtt"][0]
    (trusting,) = resources[identity]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    trusting["Condition"]["ArnEquals"]["aws:SourceArn"] = f"arn:aws:states:{HERE}:stateMachine:*"


def a_function_s_role_for_machines(resources: Resources) -> None:
    _, made = role(resources, APPROVALS)
    made["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"] = "states.amazonaws.com"


def a_machine_with_another_s_definition(resources: Resources) -> None:
    machine(resources, FOLLOW_UP)["DefinitionString"] = machine(resources, GATE)["DefinitionString"]


def queues_exchanged(resources: Resources) -> None:
    kind = "Lambda::EventSourceMapping"
    one, other = first(resources, kind, "Recorder"), first(resources, kind, "keeper")
    one["EventSourceArn"], other["EventSourceArn"] = other["EventSourceArn"], one["EventSourceArn"]


def dead_letters_elsewhere(resources: Resources) -> None:
    found = first(resources, "SQS::Queue", "OutboxQueue")
    found["RedrivePolicy"]["deadLetterTargetArn"] = f"arn:aws:sqs:{HERE}:another"


def the_plugin_behind_the_path_of_approvals(resources: Resources) -> None:
    uri = first(resources, "ApiGateway::Method", "POST")["Integration"]["Uri"]["Fn::Join"][1]
    uri[uri.index({"Fn::GetAtt": [function(resources, APPROVALS), "Arn"]})] = {
        "Fn::GetAtt": [function(resources, GATE), "Arn"]
    }


def a_schedule_of_a_plugin(resources: Resources) -> None:
    arn = {"Fn::GetAtt": [function(resources, GATE), "Arn"]}
    first(resources, "Events::Rule", "Sweeper")["Targets"].append({"Arn": arn, "Id": "More"})


ANYTHING = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
MISTAKES: dict[str, Callable[[Resources], None]] = {
    "a managed policy of our own": added("IAM::ManagedPolicy", PolicyDocument=ANYTHING),
    "a policy of a role apart": added("IAM::RolePolicy", PolicyDocument=ANYTHING),
    "a user": added("IAM::User"),
    "a policy of a queue, written otherwise": added("SQS::QueueInlinePolicy", PolicyDocument=ANYTHING),
    "a policy of a topic, written otherwise": added("SNS::TopicInlinePolicy", PolicyDocument=ANYTHING),
    "a policy of a table": given("DynamoDB::Table", ResourcePolicy={"PolicyDocument": ANYTHING}),
    "a table that streams": given("DynamoDB::Table", KinesisStreamSpecification={"StreamArn": ELSEWHERE}),
    "a bucket that is copied": given("S3::Bucket", ReplicationConfiguration={}),
    "a bucket that tells": given("S3::Bucket", NotificationConfiguration={}),
    "another door of a bucket": added("S3::AccessPoint", Policy=ANYTHING),
    "a secret in another region": given("SecretsManager::Secret", ReplicaRegions=[{"Region": "us-east-1"}]),
    "a secret that is rotated": added("SecretsManager::RotationSchedule"),
    "a log that is sent on": added("Logs::SubscriptionFilter"),
    "a topic that tells others": added("SNS::Subscription", Protocol="https"),
    "a layer for others": added("Lambda::LayerVersionPermission", Principal="*"),
    "events that failed, sent on": added("Lambda::EventInvokeConfig", DestinationConfig={}),
    "a function with an address": added("Lambda::Url", AuthType="NONE"),
    "every API invokes": permission(APPROVALS, Principal="apigateway.amazonaws.com"),
    "every rule invokes a plugin": permission(GATE, Principal="events.amazonaws.com"),
    "a bucket invokes the gateway": permission(
        GATEWAY, Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::a"
    ),
    "a queue for topics": policy("SQS::QueuePolicy", "sns", "sqs:SendMessage"),
    "a bucket for logs": policy("S3::BucketPolicy", "logging.s3", "s3:PutObject"),
    "a topic for rules": policy("SNS::TopicPolicy", "events", "sns:Publish"),
    "a topic for every account's alarms": a_topic_for_every_account_s_alarms,
    "a key for a service": a_key_for_a_service,
    "machines of other accounts": machines_of_other_accounts,
    "machines of every name": machines_of_every_name,
    "a function's role for machines": a_function_s_role_for_machines,
    "a machine with another's definition": a_machine_with_another_s_definition,
    "queues exchanged": queues_exchanged,
    "dead letters elsewhere": dead_letters_elsewhere,
    "the plugin behind the path of approvals": the_plugin_behind_the_path_of_approvals,
    "a schedule of a plugin": a_schedule_of_a_plugin,
}


def test_of_the_deployment_nothing_is_wrong(resources: Resources) -> None:
    assert wrong(resources) == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_noticed(resources: Resources, mistake: str) -> None:
    broken = copy.deepcopy(resources)
    MISTAKES[mistake](broken)
    assert wrong(broken)
