from __future__ import annotations

import pytest
from botocore.validate import ParamValidator

from penstock.adapters.clients import Clients
from penstock.adapters.resources import QueuePair
from penstock.adapters.stacks import deployed_resources, download, outputs
from penstock.errors import ConfigurationError
from tests.stack_outputs import Stacks

HERE = "https://sqs.eu-central-1.amazonaws.com/123456789012"
ARN = "arn:aws:sqs:eu-central-1:123456789012"
TOLD = {
    "ControlTable": "team-control",
    "LedgerTable": "team-ledger",
    "StorageTable": "team-storage",
    "EvidenceBucket": "team-evidence-123456789012-eu-central-1",
    "OutboxUrl": f"{HERE}/team-outbox",
    "OutboxDeadUrl": f"{HERE}/team-outbox-dead",
    "PluginQueuePattern": f"{HERE}/team-plugin-{{plugin}}",
    "EvidenceKeySecret": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:team/evidence-key-0a1b2c",
}


def stack(clients: Clients, name: str, told: dict[str, str]) -> None:
    clients._made["cloudformation"] = Stacks({name: told})


def test_the_fake_answers_as_cloudformation_does(clients: Clients) -> None:
    shape = clients.cloudformation.meta.service_model.operation_model("DescribeStacks").output_shape
    answer = Stacks({"team-data": TOLD}).describe_stacks(StackName="team-data")
    for known in answer["Stacks"]:
        known |= {"CreationTime": 0, "StackStatus": "CREATE_COMPLETE"}  # which are required, and nobody reads
    assert ParamValidator().validate(answer, shape).generate_report() == ""


def test_a_stack_tells_its_outputs(clients: Clients) -> None:
    stack(clients, "team-data", TOLD)
    assert outputs(clients, "team-data") == TOLD


def test_a_deployment_s_resources_are_those_that_its_data_stack_tells(clients: Clients) -> None:
    stack(clients, "team-data", TOLD)
    asked = list[str]()

    def plugins() -> list[str]:
        asked.append("asked")
        return ["export"]

    made = deployed_resources(clients, "team", plugins)
    assert (made.deployment, made.region, made.ledger_table) == ("team", "eu-central-1", "team-ledger")
    assert made.outbox == QueuePair(
        f"{HERE}/team-outbox", f"{ARN}:team-outbox", f"{HERE}/team-outbox-dead", f"{ARN}:team-outbox-dead"
    )
    assert asked == [], "who asks for no queue of a plugin needs no right to read the configuration"
    assert made.plugin_queues["export"].dead_url == f"{HERE}/team-plugin-export-dead"
    assert "other" not in made.plugin_queues
    assert asked == ["asked"]


def test_a_stack_that_is_not_there_is_the_operator_s_to_mend(clients: Clients) -> None:
    clients._made["cloudformation"] = Stacks()
    with pytest.raises(ConfigurationError, match="'team-data': is not in this account and region"):
        outputs(clients, "team-data")


def test_a_stack_that_does_not_tell_all_is_to_be_deployed_again(clients: Clients) -> None:
    stack(clients, "team-data", {key: value for key, value in TOLD.items() if key != "OutboxUrl"})
    with pytest.raises(ConfigurationError, match="OutboxUrl"):
        deployed_resources(clients, "team", list)


def test_what_an_output_points_to_is_read(clients: Clients) -> None:
    clients.s3.create_bucket(
        Bucket="assets", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    clients.s3.put_object(Bucket="assets", Key="a/b.json", Body=b"{}")
    assert download(clients, "s3://assets/a/b.json") == b"{}"
