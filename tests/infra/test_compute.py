from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from penstock.adapters.clients import Clients
from penstock.adapters.stacks import deployed_resources
from penstock.configuration.snapshot import Snapshot
from tests.infra.conftest import CONFIGURATIONS
from tests.infra.template import Assembly, Template, plain
from tests.stack_outputs import Stacks

# Properties in which a name stands that is one per account and region.
NAMES = {
    "Lambda::Function": "FunctionName",
    "Logs::LogGroup": "LogGroupName",
    "CloudWatch::Alarm": "AlarmName",
    "CloudWatch::Dashboard": "DashboardName",
    "SNS::Topic": "TopicName",
    "SQS::Queue": "QueueName",
    "DynamoDB::Table": "TableName",
    "S3::Bucket": "BucketName",
    "KMS::Alias": "AliasName",
    "Lambda::LayerVersion": "LayerName",
    "SecretsManager::Secret": "Name",
    "StepFunctions::StateMachine": "StateMachineName",
    "WAFv2::WebACL": "Name",
}


def names(assembly: Assembly) -> set[tuple[str, str]]:
    return {
        (kind, plain(properties[key]))
        for stack in assembly.stacks().values()
        for kind, key in NAMES.items()
        for properties in stack.of(kind).values()
    }


def test_two_deployments_in_one_account_do_not_collide(assemblies: dict[str, Assembly]) -> None:
    every = [names(assemblies[name]) for name in CONFIGURATIONS]
    assert len(set().union(*every)) == sum(len(found) for found in every)


def test_the_stack_holds_nothing_that_must_outlast_it(compute: Template) -> None:
    kept = {r["Type"] for r in compute.resources.values() if r.get("DeletionPolicy") == "Retain"}
    # Versions, to go back to; and the one role that API Gateway logs with, for all APIs of an account.
    assert kept == {"AWS::Lambda::Version", "AWS::IAM::Role", "AWS::ApiGateway::Account"}


def test_the_stack_says_what_outlives_it_where_callers_go_and_where_alarms_come_from(
    compute: Template,
) -> None:
    outputs = compute.outputs
    assert outputs["Kept"].startswith("stacktest-data, which `cdk destroy` leaves")
    assert plain(outputs["BaseUrl"]).endswith("/v1")
    assert "AlarmTopic" in outputs


def test_the_two_stacks_share_no_export_so_that_either_can_change(
    compute: Template, template: Template
) -> None:
    assert "Fn::ImportValue" not in str(compute.content)
    assert not [output for output in template.content["Outputs"].values() if "Export" in output]
    assert "stacktest-data" in compute.artifact["dependencies"]


def test_every_name_that_the_functions_are_told_is_one_that_the_data_stack_makes(
    compute: Template, template: Template
) -> None:
    told = compute.named("Lambda::Function", "FunctionName")["stacktest-gateway"]["Environment"]["Variables"]
    for variable, kind, key in (
        ("PENSTOCK_CONTROL_TABLE", "DynamoDB::Table", "TableName"),
        ("PENSTOCK_LEDGER_TABLE", "DynamoDB::Table", "TableName"),
        ("PENSTOCK_EVIDENCE_BUCKET", "S3::Bucket", "BucketName"),
        ("PENSTOCK_EVIDENCE_KEY", "SecretsManager::Secret", "Name"),
    ):
        assert plain(told[variable]) in template.named(kind, key), variable
    outbox = plain(told["PENSTOCK_OUTBOX_URL"]).rpartition("/")[2]
    assert outbox in template.named("SQS::Queue", "QueueName")


def test_a_stack_has_room_for_more_plugins(assemblies: dict[str, Assembly]) -> None:
    for name in CONFIGURATIONS:
        for stack in assemblies[name].stacks().values():
            assert len(stack.resources) < 500  # CloudFormation's quota


def test_the_command_line_is_told_where_the_configuration_is_that_this_deployment_was_made_of(
    assemblies: dict[str, Assembly],
) -> None:
    assembly = assemblies["vendors"]
    outputs = assembly.stack("vendors-gateway").outputs
    manifest = json.loads((assembly.folder / "vendors-gateway.assets.json").read_text())
    place = urlsplit(outputs["Snapshot"]["Fn::Sub"])
    (asset,) = [
        found
        for found in manifest["files"].values()
        for where in found["destinations"].values()
        if where["objectKey"] == place.path.removeprefix("/")
    ]
    path = (assembly.folder / asset["source"]["path"]).resolve()
    assert Snapshot.load(path).deployment == "vendors"
    assert outputs["UpstreamSecrets"] == "vendors/mistral,vendors/openai"


def test_the_data_stack_tells_all_that_the_command_line_asks_it(template: Template) -> None:
    clients = Clients()
    told = {name: filled(template, value) for name, value in template.outputs.items()}
    clients._made["cloudformation"] = Stacks({"stacktest-data": told})
    made = deployed_resources(clients, "stacktest", lambda: ["audit-export", "keeper", "follow-up"])
    queues = set(template.named("SQS::Queue", "QueueName"))
    pairs = (made.outbox, *made.plugin_queues.values())
    assert {url.rpartition("/")[2] for pair in pairs for url in (pair.url, pair.dead_url)} == queues
    assert made.outbox.dead_url == told["OutboxDeadUrl"]
    tables = {made.control_table, made.ledger_table, made.storage_table}
    assert tables == set(template.named("DynamoDB::Table", "TableName"))
    assert made.evidence_bucket in template.named("S3::Bucket", "BucketName")


def filled(template: Template, value: Any) -> str:
    """An output as CloudFormation gives it: what a reference to a resource of each kind stands for."""
    match value:
        case {"Ref": identity} if identity in template.of("SQS::Queue"):
            here = "https://sqs.eu-central-1.amazonaws.com/123456789012"
            return f"{here}/{template.of('SQS::Queue')[identity]['QueueName']}"
        case {"Ref": identity} if identity in template.resources:
            properties = template.resources[identity]["Properties"]
            named = ("TableName", "BucketName", "Name")
            return plain(next(properties[key] for key in named if key in properties))
    return plain(value)
