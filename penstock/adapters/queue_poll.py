"""One queue as whoever polls it sees it: messages with their attributes, taken, given back, deleted.

`queues` serves the functions, which never poll: in AWS Lambda's event source mappings do. This is for the
local gateway, which has to do it itself. A message that was received too often goes to the dead-letter
queue when it would be received once more; SQS does so, moto does, the fake does.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from penstock.adapters.clients import Clients
from penstock.adapters.failures import mapped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_sqs.type_defs import MessageTypeDef


@dataclass(frozen=True, slots=True)
class PolledMessage:
    """One received message, with the names and values that Lambda's SQS event carries."""

    message_id: str
    receipt: str
    body: str
    md5_of_body: str
    attributes: Mapping[str, str]
    """`ApproximateReceiveCount` is 1 the first time; `SentTimestamp` is Unix milliseconds, as text."""
    message_attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def receive_count(self) -> int:
        return int(self.attributes.get("ApproximateReceiveCount", "1"))


class PolledQueue(Protocol):
    """Raises StorageError when SQS does not answer, ConfigurationError when the queue does not exist."""

    @property
    def arn(self) -> str: ...

    def receive(self, limit: int, wait_s: float, visibility_s: float) -> list[PolledMessage]:
        """At most `limit` (≤ 10) messages, hidden for `visibility_s`; waits up to `wait_s` for the first."""

    def delete(self, messages: Sequence[PolledMessage]) -> None:
        """Take received messages away for good."""

    def show_after(self, message: PolledMessage, delay_s: float) -> None:
        """Give a received message back, to be received again after `delay_s`."""


class SqsPolledQueue:
    """A queue in SQS. Its times are whole seconds there: delays are rounded up."""

    def __init__(self, clients: Clients, url: str, arn: str) -> None:
        self._clients = clients
        self._url = url
        self._arn = arn

    @property
    def arn(self) -> str:
        return self._arn

    def receive(self, limit: int, wait_s: float, visibility_s: float) -> list[PolledMessage]:
        with mapped("receive from a queue"):
            answer = self._clients.sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=limit,
                WaitTimeSeconds=math.floor(wait_s),
                VisibilityTimeout=math.ceil(visibility_s),
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
        return [_polled(message) for message in answer.get("Messages", [])]

    def delete(self, messages: Sequence[PolledMessage]) -> None:
        for message in messages:
            with mapped("delete from a queue"):
                self._clients.sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)

    def show_after(self, message: PolledMessage, delay_s: float) -> None:
        with mapped("give back to a queue"):
            self._clients.sqs.change_message_visibility(
                QueueUrl=self._url,
                ReceiptHandle=message.receipt,
                VisibilityTimeout=math.ceil(delay_s),
            )


def _polled(message: MessageTypeDef) -> PolledMessage:
    return PolledMessage(
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        md5_of_body=message["MD5OfBody"],
        attributes={str(name): value for name, value in message.get("Attributes", {}).items()},
        message_attributes={
            name: {key[0].lower() + key[1:]: part for key, part in value.items()}
            for name, value in message.get("MessageAttributes", {}).items()
        },
    )


@dataclass(slots=True)
class _Held:
    message: PolledMessage
    visible_at: float
    receive_count: int = 0


class MemoryPolledQueue:
    """A queue in memory, with SQS's visibility and redrive, by a clock that may be a test's own."""

    def __init__(
        self,
        dead_letters: MemoryPolledQueue | None = None,
        *,
        most_receives: int = 5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dead_letters = dead_letters
        self._most_receives = most_receives
        self._clock = clock
        self._lock = threading.Lock()
        self._held: list[_Held] = []
        self._sent = 0
        self._receipts = 0

    @property
    def arn(self) -> str:
        return "arn:aws:sqs:eu-central-1:123456789012:memory"

    def send(self, body: str) -> str:
        """Put a message in; its id."""
        with self._lock:
            self._sent += 1
            message_id = f"message-{self._sent}"
            self._held.append(_Held(PolledMessage(message_id, "", body, "", {}), self._clock()))
            return message_id

    def receive(
        self,
        limit: int,
        wait_s: float,  # noqa: ARG002 - the port's; nothing arrives while a test waits
        visibility_s: float,
    ) -> list[PolledMessage]:
        taken: list[PolledMessage] = []
        with self._lock:
            for held in [held for held in self._held if held.visible_at <= self._clock()]:
                if self._dead_letters is not None and held.receive_count >= self._most_receives:
                    self._held.remove(held)
                    self._dead_letters.send(held.message.body)
                elif len(taken) < limit:
                    taken.append(self._take(held, visibility_s))
        return taken

    def delete(self, messages: Sequence[PolledMessage]) -> None:
        receipts = {message.receipt for message in messages}
        with self._lock:
            self._held = [held for held in self._held if held.message.receipt not in receipts]

    def show_after(self, message: PolledMessage, delay_s: float) -> None:
        for held in self._held:
            if held.message.receipt == message.receipt:
                held.visible_at = self._clock() + delay_s

    def bodies(self) -> list[str]:
        """All that is in the queue, hidden or not."""
        return [held.message.body for held in self._held]

    def _take(self, held: _Held, visibility_s: float) -> PolledMessage:
        held.receive_count += 1
        held.visible_at = self._clock() + visibility_s
        self._receipts += 1
        attributes = {"ApproximateReceiveCount": str(held.receive_count)}
        held.message = replace(held.message, receipt=f"receipt-{self._receipts}", attributes=attributes)
        return held.message
