from __future__ import annotations

import json
import threading

from penstock.dev.invocation import EnvironmentLost, Outcome, Returned
from penstock.dev.schedule import Schedule, scheduled_event


def test_the_event_is_the_one_of_a_scheduled_rule() -> None:
    event = json.loads(scheduled_event("id-1", 1_700_000_000.0))
    assert event["detail-type"] == "Scheduled Event"
    assert event["source"] == "aws.events"
    assert event["time"] == "2023-11-14T22:13:20Z"


def test_a_schedule_runs_again_and_again_until_it_is_stopped() -> None:
    three = threading.Semaphore(0)

    def invoke(event: bytes) -> Outcome:
        three.release()
        return Returned(b"null")

    schedule = Schedule(invoke, 0.001, tell=lambda _: None)
    schedule.start()
    assert all(three.acquire(timeout=30) for _ in range(3))
    schedule.stop()


def test_a_run_that_fails_is_told_to_the_operator() -> None:
    told: list[str] = []
    Schedule(lambda _: EnvironmentLost("signal: killed"), 1, tell=told.append).run_once()
    assert told == ["a scheduled run failed: an environment was lost (signal: killed)"]
