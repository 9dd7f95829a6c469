from __future__ import annotations

import json

from penstock.adapters.clients import Clients
from penstock.adapters.ledger import DynamoLedger
from penstock.adapters.objects import PutOnce, S3Objects
from penstock.adapters.provision import provision, store_secret
from penstock.adapters.queues import SqsQueues
from penstock.adapters.resources import DELIVERY_KEY_ID, EVIDENCE_KEY_ID, Names
from penstock.adapters.secrets import SecretsManager, decode_digest_key
from penstock.ids import uuid7


def test_what_is_provisioned_can_be_used_through_the_ports(clients: Clients) -> None:
    made = provision(clients, "local", plugins=["audit-export"], secrets={"openai": "sk-1"})
    DynamoLedger(clients, made.ledger_table).open_intent(uuid7(), 1, {})
    assert S3Objects(clients, made.evidence_bucket).put_once("a", b"1") is PutOnce.STORED
    SqsQueues(clients).send(made.outbox.url, "one")
    SqsQueues(clients).send(made.plugin_queues["audit-export"].url, "one")
    assert SecretsManager(clients).get("openai") == "sk-1"


def test_a_second_run_changes_nothing_and_keeps_the_evidence_key(clients: Clients) -> None:
    first = provision(clients, "local", plugins=["audit-export"])
    key = SecretsManager(clients).get(first.evidence_key_secret)
    SqsQueues(clients).send(first.outbox.url, "one")
    assert provision(clients, "local", plugins=["audit-export"]) == first
    assert SecretsManager(clients).get(first.evidence_key_secret, fresh=True) == key
    assert len(decode_digest_key(key).key) == 32
    assert decode_digest_key(key).key_id == EVIDENCE_KEY_ID
    assert [message.body for message in SqsQueues(clients).receive(first.outbox.url)] == ["one"]


def test_plugins_functions_have_a_key_of_digests_that_is_not_the_gateway_s(clients: Clients) -> None:
    made, secrets = provision(clients, "local"), SecretsManager(clients)
    digests = decode_digest_key(secrets.get(made.evidence_key_secret))
    deliveries = decode_digest_key(secrets.get(Names.of("local").delivery_key_secret))
    assert (digests.key_id, deliveries.key_id) == (EVIDENCE_KEY_ID, DELIVERY_KEY_ID)
    assert digests.key != deliveries.key


def test_two_deployments_share_neither_key_nor_table(clients: Clients) -> None:
    one, two = provision(clients, "one"), provision(clients, "two")
    secrets = SecretsManager(clients)
    assert secrets.get(one.evidence_key_secret) != secrets.get(two.evidence_key_secret)
    assert one.control_table != two.control_table


def test_a_queue_gives_up_after_five_tries_and_hides_long_enough(clients: Clients) -> None:
    made = provision(clients, "local", plugins=["audit-export"], visibility_s=90)
    queue = made.plugin_queues["audit-export"]
    found = clients.sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["All"])["Attributes"]
    assert json.loads(found["RedrivePolicy"]) == {"deadLetterTargetArn": queue.dead_arn, "maxReceiveCount": 5}
    assert found["VisibilityTimeout"] == "90"
    assert made.settings("s", ()).plugin_queue_url("audit-export") == queue.url


def test_settled_intents_expire_and_open_ones_are_indexed(clients: Clients) -> None:
    table = provision(clients, "local").ledger_table
    ttl = clients.dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def test_the_evidence_bucket_keeps_versions_and_can_lock(clients: Clients) -> None:
    bucket = provision(clients, "local").evidence_bucket
    lock = clients.s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    assert lock["ObjectLockEnabled"] == "Enabled"
    assert clients.s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_a_stored_secret_is_given_its_new_value(clients: Clients) -> None:
    store_secret(clients, "openai", "sk-1")
    store_secret(clients, "openai", "sk-2")
    assert SecretsManager(clients).get("openai") == "sk-2"
