"""SQS: what is sent to the outbox and to background plugins, and what is taken back from dead letters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from penstock.adapters.clients import Clients
from penstock.adapters.failures import mapped
from penstock.errors import StorageError

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH = 10  # SendMessageBatch and ReceiveMessage take ten (SQS API reference)


@dataclass(frozen=True, slots=True)
class Message:
    """One received message. `receipt` deletes it; `receive_count` is 1 the first time."""

    body: str
    receipt: str
    receive_count: int


class Queues(Protocol):
    """Raises StorageError when SQS does not answer, ConfigurationError when the queue does not exist."""

    def send(self, queue_url: str, body: str, delay_s: int = 0) -> None:
        """Returns when the message is stored. Nobody gets it before `delay_s` (≤ 900) have passed."""

    def send_batch(self, queue_url: str, bodies: Sequence[str]) -> None:
        """Returns when all are stored. Raises StorageError when any is not, though others may be."""

    def receive(self, queue_url: str, limit: int = BATCH, wait_s: int = 0) -> list[Message]:
        """At most `limit` (≤ 10) messages, hidden from others for the queue's visibility timeout.

        With `wait_s` (1 or 2), none means that there is none; without, SQS may look in some places only.
        """

    def delete(self, queue_url: str, receipt: str) -> None:
        """Take a received message away for good."""


def redrive(queues: Queues, dead_url: str, queue_url: str) -> int:
    """Send what is among the dead letters to its queue again; how many. A crash may send one twice."""
    moved = 0
    while messages := queues.receive(dead_url, wait_s=1):
        for message in messages:
            queues.send(queue_url, message.body)
            queues.delete(dead_url, message.receipt)
        moved += len(messages)
    return moved


class SqsQueues:
    """Queues in SQS."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def send(self, queue_url: str, body: str, delay_s: int = 0) -> None:
        with mapped("send to a queue"):
            self._clients.sqs.send_message(QueueUrl=queue_url, MessageBody=body, DelaySeconds=delay_s)

    def send_batch(self, queue_url: str, bodies: Sequence[str]) -> None:
        for start in range(0, len(bodies), BATCH):
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {"Id": str(number), "MessageBody": body}
                for number, body in enumerate(bodies[start : start + BATCH])
            ]
            with mapped("send to a queue"):
                answer = self._clients.sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
            if answer.get("Failed"):
                raise StorageError("send to a queue")

    def receive(self, queue_url: str, limit: int = BATCH, wait_s: int = 0) -> list[Message]:
        with mapped("receive from a queue"):
            answer = self._clients.sqs.receive_message(
                QueueUrl=queue_url,
                MaxNumberOfMessages=limit,
                WaitTimeSeconds=wait_s,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
        return [
            Message(m["Body"], m["ReceiptHandle"], int(m["Attributes"]["ApproximateReceiveCount"]))
            for m in answer.get("Messages", [])
        ]

    def delete(self, queue_url: str, receipt: str) -> None:
        with mapped("delete from a queue"):
            self._clients.sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=receipt)


class MemoryQueues:
    """Queues in memory. A received message stays hidden until `show_again`: no clock runs here."""

    def __init__(self) -> None:
        self.delays_s: list[int] = []
        """Of each message that was sent, how long it shall be held back; here it is not."""
        self._waiting: dict[str, list[Message]] = defaultdict(list)
        self._hidden: dict[str, list[Message]] = defaultdict(list)
        self._sent = 0

    def send(self, queue_url: str, body: str, delay_s: int = 0) -> None:
        self._sent += 1
        self.delays_s.append(delay_s)
        self._waiting[queue_url].append(Message(body, f"receipt-{self._sent}", 0))

    def send_batch(self, queue_url: str, bodies: Sequence[str]) -> None:
        for body in bodies:
            self.send(queue_url, body)

    def receive(self, queue_url: str, limit: int = BATCH, wait_s: int = 0) -> list[Message]:  # noqa: ARG002 - nothing arrives here by itself
        taken = [Message(m.body, m.receipt, m.receive_count + 1) for m in self._waiting[queue_url][:limit]]
        del self._waiting[queue_url][:limit]
        self._hidden[queue_url] += taken
        return taken

    def delete(self, queue_url: str, receipt: str) -> None:
        self._hidden[queue_url] = [m for m in self._hidden[queue_url] if m.receipt != receipt]

    def show_again(self, queue_url: str) -> None:
        """What happens when the visibility timeout has passed."""
        self._waiting[queue_url] += self._hidden.pop(queue_url, [])

    def bodies(self, queue_url: str) -> list[str]:
        """All that is in a queue, hidden or not."""
        return [m.body for m in (*self._waiting[queue_url], *self._hidden[queue_url])]
