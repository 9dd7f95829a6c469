"""One suite that both implementations of a polled queue pass: SQS (moto in process) and memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from moto import mock_aws

from penstock.adapters.clients import Clients
from penstock.adapters.queue_poll import MemoryPolledQueue, PolledQueue, SqsPolledQueue
from penstock.errors import ConfigurationError

MOST_RECEIVES = 2


@dataclass(frozen=True)
class Bench:
    """A queue under test, with how to fill it and how to look into its dead letters."""

    queue: PolledQueue
    send: Callable[[str], object]
    dead_letters: PolledQueue


def in_memory() -> Bench:
    dead_letters = MemoryPolledQueue()
    queue = MemoryPolledQueue(dead_letters, most_receives=MOST_RECEIVES)
    return Bench(queue, queue.send, dead_letters)


def in_sqs() -> Bench:
    clients = Clients()
    sqs = clients.sqs

    def create(name: str, attributes: dict[str, str]) -> SqsPolledQueue:
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]  # stubs want literals
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return SqsPolledQueue(clients, url, arn)

    dead_letters = create("dead-letters", {})
    redrive = json.dumps({"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": MOST_RECEIVES})
    queue = create("queue", {"RedrivePolicy": redrive})
    url = sqs.get_queue_url(QueueName="queue")["QueueUrl"]
    attributes = {"k": {"DataType": "String", "StringValue": "v"}}
    return Bench(
        queue,
        lambda body: sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes),  # type: ignore[arg-type]  # same
        dead_letters,
    )


@pytest.fixture(params=[in_memory, in_sqs], ids=["memory", "sqs"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with mock_aws():
        yield request.param()


def test_a_message_is_received_with_its_body_and_its_count(bench: Bench) -> None:
    bench.send("hello")
    (message,) = bench.queue.receive(10, 0, 30)
    assert (message.body, message.receive_count) == ("hello", 1)
    assert message.message_id


def test_a_received_message_is_hidden_and_a_deleted_one_gone(bench: Bench) -> None:
    bench.send("hello")
    received = bench.queue.receive(10, 0, 30)
    assert bench.queue.receive(10, 0, 30) == []
    bench.queue.delete(received)
    assert bench.queue.receive(10, 0, 0) == []


def test_no_more_are_received_than_were_asked_for(bench: Bench) -> None:
    for number in range(3):
        bench.send(str(number))
    assert len(bench.queue.receive(2, 0, 30)) == 2


def test_a_message_given_back_is_received_again_and_counted(bench: Bench) -> None:
    bench.send("hello")
    (message,) = bench.queue.receive(10, 0, 30)
    bench.queue.show_after(message, 0)
    (again,) = bench.queue.receive(10, 0, 30)
    assert (again.body, again.receive_count) == ("hello", 2)


def test_a_message_received_too_often_is_a_dead_letter_when_it_is_due_again(bench: Bench) -> None:
    bench.send("hello")
    for _ in range(MOST_RECEIVES):
        (message,) = bench.queue.receive(10, 0, 30)
        bench.queue.show_after(message, 0)
    assert bench.queue.receive(10, 0, 30) == []
    assert [message.body for message in bench.dead_letters.receive(10, 0, 30)] == ["hello"]


@mock_aws
def test_attributes_come_in_the_spelling_of_lambdas_event() -> None:
    bench = in_sqs()
    bench.send("hello")
    (message,) = bench.queue.receive(10, 0, 30)
    assert message.message_attributes == {"k": {"stringValue": "v", "dataType": "String"}}
    assert message.attributes["SentTimestamp"].isdigit()
    assert message.md5_of_body == "5d41402abc4b2a76b9719d911017c592"


@mock_aws
def test_a_queue_that_is_not_there_is_a_matter_of_configuration() -> None:
    url = "https://sqs.eu-central-1.amazonaws.com/123456789012/none"
    with pytest.raises(ConfigurationError):
        SqsPolledQueue(Clients(), url, "arn").receive(10, 0, 30)
