from __future__ import annotations

from typing import Any

from penstock.adapters.resources import Names
from tests.infra.template import Template

NAMES = Names.of("stacktest")


def queues(template: Template) -> dict[str, Any]:
    return {queue["QueueName"]: queue for queue in template.of("SQS::Queue").values()}


def test_there_is_an_outbox_and_a_queue_for_each_background_plugin(template: Template) -> None:
    plugins = (
        NAMES.plugin_queue_pattern.replace("{plugin}", name)
        for name in ("audit-export", "keeper", "follow-up")
    )
    live = {NAMES.outbox, *plugins}
    assert set(queues(template)) == live | {f"{name}-dead" for name in live}


def test_every_queue_gives_up_after_five_tries_to_its_own_dead_letter_queue(template: Template) -> None:
    identities = {queue["QueueName"]: identity for identity, queue in template.of("SQS::Queue").items()}
    for name, queue in queues(template).items():
        if name.endswith("-dead"):
            assert "RedrivePolicy" not in queue, name
            continue
        dead = {"Fn::GetAtt": [identities[f"{name}-dead"], "Arn"]}
        assert queue["RedrivePolicy"] == {"deadLetterTargetArn": dead, "maxReceiveCount": 5}


def test_a_message_stays_hidden_for_six_times_a_function_s_minute(template: Template) -> None:
    hidden_s = {queue["VisibilityTimeout"] for name, queue in queues(template).items() if "-dead" not in name}
    assert hidden_s == {6 * 60}


def test_no_message_is_dropped_before_sqs_must(template: Template) -> None:
    assert {queue["MessageRetentionPeriod"] for queue in queues(template).values()} == {14 * 24 * 3600}


def test_every_queue_talks_tls_only(template: Template) -> None:
    guarded = {
        reference["Ref"]
        for policy in template.of("SQS::QueuePolicy").values()
        for reference in policy["Queues"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
        and statement["Action"] == "sqs:*"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    }
    assert guarded == set(template.of("SQS::Queue"))
