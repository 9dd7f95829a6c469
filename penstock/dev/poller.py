"""Queue to function, as Lambda's event source mappings do it: moto's own deliver one by one and never retry.

Source: "Using Lambda with Amazon SQS" and "Handling errors for an SQS event source", Lambda developer guide.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from penstock.adapters.queue_poll import PolledMessage, PolledQueue
from penstock.dev.environments import REGION
from penstock.dev.gateway_responses import reason_for
from penstock.dev.invocation import Outcome, Returned
from penstock.errors import PenstockError

RECEIVE_LIMIT = 10  # messages that one ReceiveMessage gives at most
LONGEST_BACKOFF_S = 60.0


def doubling_backoff(receive_count: int) -> float:
    """Seconds until the next try: 1, 2, 4, … up to a minute."""
    return min(2.0 ** (receive_count - 1), LONGEST_BACKOFF_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSourceMapping:
    """How one queue is given to one function."""

    function_timeout_s: float
    batch_size: int = 10
    window_s: float = 0.0
    """How long to wait for a batch to fill, from its first message."""
    maximum_concurrency: int = 2
    wait_s: float = 1.0
    """One long poll."""
    backoff_s: Callable[[int], float] = doubling_backoff
    """By receive count, until a failed message is shown again. Lambda waits for its visibility timeout."""

    @property
    def visibility_s(self) -> float:
        """AWS's advice for a queue that a function reads: six times the function's timeout."""
        return 6 * self.function_timeout_s


class Poller:
    """Takes batches from a queue and gives them to a function until it is stopped."""

    def __init__(
        self,
        queue: PolledQueue,
        invoke: Callable[[bytes], Outcome],
        mapping: EventSourceMapping,
        *,
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._invoke = invoke
        self._mapping = mapping
        self._tell = tell
        self._clock = clock
        self._stopping = threading.Event()

    def start(self) -> None:
        for _ in range(self._mapping.maximum_concurrency):
            threading.Thread(target=self._run, name="poller", daemon=True).start()

    def stop(self) -> None:
        """Begin no further batch. One under way may still end."""
        self._stopping.set()

    def poll_once(self) -> int:
        """One batch from receipt to settlement; how many messages it had."""
        batch = self._receive()
        if batch:
            self._settle(batch, self._failed(batch, self._invoke(sqs_event(batch, self._queue.arn))))
        return len(batch)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.poll_once()
            except PenstockError as error:
                if not self._stopping.wait(1.0):
                    self._tell(f"a queue cannot be polled: {error}")

    def _receive(self) -> list[PolledMessage]:
        """A batch: what one call gives, and what comes within the window."""
        mapping, batch = self._mapping, self._take(self._mapping.batch_size)
        ends_at = self._clock() + mapping.window_s
        while batch and len(batch) < mapping.batch_size and self._clock() < ends_at:
            more = self._take(mapping.batch_size - len(batch))
            batch += more
            if not more and self._stopping.wait(0.005):
                break
        return batch

    def _take(self, limit: int) -> list[PolledMessage]:
        wait_s, visibility_s = self._mapping.wait_s, self._mapping.visibility_s
        return self._queue.receive(min(limit, RECEIVE_LIMIT), wait_s, visibility_s)

    def _failed(self, batch: list[PolledMessage], outcome: Outcome) -> set[str]:
        """The ids of the messages that are to be tried again."""
        every = {message.message_id for message in batch}
        if not isinstance(outcome, Returned):
            self._tell(f"{len(batch)} messages will be tried again: {reason_for(outcome)}")
            return every
        reported = reported_failures(outcome.body)
        return every if reported is None or reported - every else reported

    def _settle(self, batch: list[PolledMessage], failed: set[str]) -> None:
        self._queue.delete([message for message in batch if message.message_id not in failed])
        for message in batch:
            if message.message_id in failed:
                self._queue.show_after(message, self._mapping.backoff_s(message.receive_count))


def sqs_event(batch: list[PolledMessage], queue_arn: str) -> bytes:
    """The event that Lambda gives a function for a batch from SQS."""
    records = [
        {
            "messageId": message.message_id,
            "receiptHandle": message.receipt,
            "body": message.body,
            "attributes": dict(message.attributes),
            "messageAttributes": dict(message.message_attributes),
            "md5OfBody": message.md5_of_body,
            "eventSource": "aws:sqs",
            "eventSourceARN": queue_arn,
            "awsRegion": REGION,
        }
        for message in batch
    ]
    return json.dumps({"Records": records}).encode()


def reported_failures(payload: bytes) -> set[str] | None:
    """What a `ReportBatchItemFailures` response names; `None` when it counts as the failure of all.

    Complete success: null, an empty object, a null or empty list. Complete failure: not JSON, an
    `itemIdentifier` that is missing, null or empty; and, by the caller, an id that the batch has not.
    Stricter than Lambda is documented to be: an object without the key is a failure here.
    """
    try:
        response: Any = json.loads(payload)
        items = response["batchItemFailures"] if response else []
        identifiers = [item["itemIdentifier"] for item in items or []]
    except (ValueError, TypeError, KeyError):
        return None
    if not all(isinstance(identifier, str) and identifier for identifier in identifiers):
        return None
    return set(identifiers)
