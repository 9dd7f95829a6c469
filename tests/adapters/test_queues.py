from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ReadTimeoutError

from penstock.adapters.clients import Clients
from penstock.adapters.queues import MemoryQueues, Queues, SqsQueues, redrive
from penstock.errors import ConfigurationError, StorageError


@pytest.fixture
def url(kind: str, clients: Clients) -> str:
    return "memory" if kind == "memory" else clients.sqs.create_queue(QueueName="outbox")["QueueUrl"]


@pytest.fixture
def queues(kind: str, clients: Clients) -> Queues:
    return MemoryQueues() if kind == "memory" else SqsQueues(clients)


def drained(queues: Queues, url: str) -> list[str]:
    found: list[str] = []
    while messages := queues.receive(url):
        found += [message.body for message in messages]
        for message in messages:
            queues.delete(url, message.receipt)
    return found


def test_what_is_sent_is_received_and_then_hidden(queues: Queues, url: str) -> None:
    queues.send(url, "one")
    (message,) = queues.receive(url)
    assert (message.body, message.receive_count) == ("one", 1)
    assert queues.receive(url) == []


def test_a_batch_of_any_size_arrives_whole(queues: Queues, url: str) -> None:
    bodies = [f"message {number}" for number in range(23)]
    queues.send_batch(url, bodies)
    assert sorted(drained(queues, url)) == sorted(bodies)


def test_no_more_is_received_than_asked_for(queues: Queues, url: str) -> None:
    queues.send_batch(url, ["a", "b", "c"])
    assert len(queues.receive(url, limit=2)) <= 2


def test_an_undeleted_message_comes_back_and_counts() -> None:
    queues = MemoryQueues()
    queues.send("q", "one")
    queues.receive("q")
    queues.show_again("q")
    assert queues.receive("q")[0].receive_count == 2
    assert queues.bodies("q") == ["one"]


def test_dead_letters_are_sent_again_all_of_them_and_once(
    clients: Clients, kind: str, queues: Queues
) -> None:
    dead, alive = (
        ("dead", "alive")
        if kind == "memory"
        else (clients.sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("dead", "alive"))
    )
    queues.send_batch(dead, [str(number) for number in range(12)])
    assert redrive(queues, dead, alive) == 12
    assert redrive(queues, dead, alive) == 0
    assert sorted(drained(queues, alive), key=int) == [str(number) for number in range(12)]


class Refusing:
    """SQS that takes a batch but not all that is in it."""

    def send_message_batch(self, **request: object) -> dict[str, object]:
        return {"Successful": [], "Failed": [{"Id": "0", "Code": "InternalError", "SenderFault": False}]}


def test_a_batch_that_was_not_stored_whole_is_a_failure(clients: Clients) -> None:
    clients._made["sqs"] = Refusing()
    with pytest.raises(StorageError):
        SqsQueues(clients).send_batch("q", ["one"])


def test_a_message_can_be_held_back(clients: Clients) -> None:
    url = clients.sqs.create_queue(QueueName="later")["QueueUrl"]
    queues = SqsQueues(clients)
    queues.send(url, "later", delay_s=900)
    queues.send(url, "now")
    assert [message.body for message in queues.receive(url)] == ["now"]


def test_a_queue_that_does_not_exist_is_a_configuration_error(clients: Clients) -> None:
    with pytest.raises(ConfigurationError):
        SqsQueues(clients).send("https://sqs.eu-central-1.amazonaws.com/123456789012/nowhere", "one")


def test_a_queue_that_does_not_answer_is_a_storage_error(broken: Callable[[str, Exception], Clients]) -> None:
    queues = SqsQueues(broken("sqs", ReadTimeoutError(endpoint_url="x")))
    for call in (
        lambda: queues.send("q", "a"),
        lambda: queues.send_batch("q", ["a"]),
        lambda: queues.receive("q"),
        lambda: queues.delete("q", "r"),
    ):
        with pytest.raises(StorageError):
            call()
