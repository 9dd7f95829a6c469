from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from penstock.adapters.queue_poll import MemoryPolledQueue, PolledMessage
from penstock.dev.invocation import EnvironmentLost, FunctionFailed, Outcome, Returned
from penstock.dev.poller import (
    EventSourceMapping,
    Poller,
    doubling_backoff,
    reported_failures,
    sqs_event,
)
from penstock.errors import StorageError


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A queue with its dead letters, a function, and a poller between them, on one clock."""

    def __init__(self, function: Callable[[list[dict[str, Any]]], Outcome], **mapping: Any) -> None:
        self.clock = Clock()
        self.dead_letters = MemoryPolledQueue(clock=self.clock)
        self.queue = MemoryPolledQueue(self.dead_letters, clock=self.clock)
        self.batches: list[list[str]] = []
        self.told: list[str] = []
        self._function = function
        options: dict[str, Any] = {
            "function_timeout_s": 10.0,
            "wait_s": 0.0,
            "backoff_s": float,
        } | mapping
        self.poller = Poller(
            self.queue, self._invoke, EventSourceMapping(**options), tell=self.told.append, clock=self.clock
        )

    def _invoke(self, event: bytes) -> Outcome:
        records = json.loads(event)["Records"]
        self.batches.append([record["body"] for record in records])
        return self._function(records)


def succeed(_: list[dict[str, Any]]) -> Outcome:
    return Returned(b'{"batchItemFailures":[]}')


def fail_those_called_bad(records: list[dict[str, Any]]) -> Outcome:
    failures = [{"itemIdentifier": record["messageId"]} for record in records if record["body"] == "bad"]
    return Returned(json.dumps({"batchItemFailures": failures}).encode())


def test_what_succeeds_is_deleted() -> None:
    bench = Bench(succeed)
    for body in "abc":
        bench.queue.send(body)
    assert bench.poller.poll_once() == 3
    assert bench.queue.bodies() == []


def test_an_empty_queue_invokes_nothing() -> None:
    bench = Bench(succeed)
    assert bench.poller.poll_once() == 0
    assert bench.batches == []


def test_a_batch_is_never_larger_than_the_mapping_says() -> None:
    bench = Bench(succeed, batch_size=4)
    for number in range(10):
        bench.queue.send(str(number))
    assert [bench.poller.poll_once() for _ in range(4)] == [4, 4, 2, 0]


def test_a_batch_of_more_than_ten_is_gathered_within_the_window() -> None:
    bench = Bench(succeed, batch_size=15, window_s=1.0)
    for number in range(20):
        bench.queue.send(str(number))
    assert bench.poller.poll_once() == 15


def test_only_the_failed_messages_of_a_batch_return() -> None:
    bench = Bench(fail_those_called_bad)
    for body in ("good", "bad", "good"):
        bench.queue.send(body)
    bench.poller.poll_once()
    assert bench.queue.bodies() == ["bad"]
    bench.clock.now = 1.0
    bench.poller.poll_once()
    assert bench.batches == [["good", "bad", "good"], ["bad"]]


@pytest.mark.parametrize(
    "outcome",
    [
        FunctionFailed(b'{"errorType":"E"}'),
        EnvironmentLost("signal: killed"),
        Returned(b"not JSON"),
        Returned(b'"text"'),
        Returned(b'{"batchItemFailures":[{"itemIdentifier":""}]}'),
        Returned(b'{"batchItemFailures":[{"itemIdentifier":null}]}'),
        Returned(b'{"batchItemFailures":[{"id":"message-1"}]}'),
        Returned(b'{"batchItemFailures":[{"itemIdentifier":"of another batch"}]}'),
        Returned(b'{"failures":[]}'),
    ],
)
def test_a_failed_function_or_a_malformed_report_fails_the_whole_batch(outcome: Outcome) -> None:
    bench = Bench(lambda _: outcome)
    bench.queue.send("a")
    bench.queue.send("b")
    bench.poller.poll_once()
    assert bench.queue.bodies() == ["a", "b"]


@pytest.mark.parametrize(
    "payload", [b"null", b"{}", b'{"batchItemFailures":null}', b'{"batchItemFailures":[]}']
)
def test_an_empty_report_is_complete_success(payload: bytes) -> None:
    assert reported_failures(payload) == set()


def test_a_failed_message_comes_back_after_its_backoff_which_grows() -> None:
    bench = Bench(fail_those_called_bad, backoff_s=lambda count: 10.0**count)
    bench.queue.send("bad")
    tried_at = []
    for second in range(1200):
        bench.clock.now = float(second)
        if bench.poller.poll_once():
            tried_at.append(second)
    assert tried_at == [0, 10, 110, 1110]


def test_a_message_under_way_is_hidden_for_six_times_the_functions_timeout() -> None:
    bench = Bench(succeed, function_timeout_s=10.0)
    bench.queue.send("a")
    seen_by_others: list[PolledMessage] = []

    def function(_: list[dict[str, Any]]) -> Outcome:
        bench.clock.now = 59.9
        seen_by_others.extend(bench.queue.receive(10, 0, 1))
        return succeed([])

    bench._function = function
    bench.poller.poll_once()
    assert seen_by_others == []
    assert bench.queue.bodies() == []


def test_a_poller_that_dies_before_it_settles_loses_nothing() -> None:
    bench = Bench(succeed, function_timeout_s=10.0)
    bench.queue.send("a")
    bench.queue.receive(10, 0, 60.0)
    bench.clock.now = 60.0
    assert bench.poller.poll_once() == 1


def test_after_five_receives_a_message_is_a_dead_letter() -> None:
    bench = Bench(fail_those_called_bad)
    bench.queue.send("bad")
    for second in range(100):
        bench.clock.now = float(second)
        bench.poller.poll_once()
    assert bench.batches == [["bad"]] * 5
    assert bench.queue.bodies() == []
    assert bench.dead_letters.bodies() == ["bad"]


def test_the_event_is_lambdas() -> None:
    attributes = {"ApproximateReceiveCount": "2", "SentTimestamp": "1700000000000", "SenderId": "x"}
    part = {"stringValue": "v", "dataType": "String"}
    message = PolledMessage("id-1", "receipt-1", "body", "md5", attributes, {"k": part})
    assert json.loads(sqs_event([message], "arn:aws:sqs:eu-central-1:1:q")) == {
        "Records": [
            {
                "messageId": "id-1",
                "receiptHandle": "receipt-1",
                "body": "body",
                "attributes": attributes,
                "messageAttributes": {"k": part},
                "md5OfBody": "md5",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:1:q",
                "awsRegion": "eu-central-1",
            }
        ]
    }


def test_the_default_backoff_doubles_up_to_a_minute() -> None:
    assert [doubling_backoff(count) for count in (1, 2, 3, 7, 50)] == [1, 2, 4, 60, 60]


def test_no_more_batches_run_at_once_than_the_mapping_says() -> None:
    running, most, lock, enough = 0, 0, threading.Lock(), threading.Semaphore(0)

    def function(records: list[dict[str, Any]]) -> Outcome:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        enough.acquire(timeout=0.02)
        with lock:
            running -= 1
        return succeed(records)

    bench = Bench(function, batch_size=1, maximum_concurrency=3)
    for number in range(30):
        bench.queue.send(str(number))
    bench.poller.start()
    waiter = threading.Event()
    while bench.queue.bodies() and not waiter.wait(0.01):
        pass
    bench.poller.stop()
    assert 1 <= most <= 3


def test_an_outage_of_the_queue_is_survived() -> None:
    bench, recovered = Bench(succeed), threading.Event()

    class Flaky(MemoryPolledQueue):
        failed = False

        def receive(self, limit: int, wait_s: float, visibility_s: float) -> list[PolledMessage]:
            if not self.failed:
                self.failed = True
                raise StorageError("receive from a queue")
            recovered.set()
            return []

    mapping = EventSourceMapping(function_timeout_s=1, maximum_concurrency=1)
    poller = Poller(Flaky(), bench._invoke, mapping, tell=bench.told.append)
    poller.start()
    assert recovered.wait(30)
    poller.stop()
    assert bench.told == ["a queue cannot be polled: receive from a queue did not succeed"]
