"""Runs a function at a fixed rate, as EventBridge does for sweeper and sealer."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from penstock.dev.environments import ACCOUNT_ID, REGION
from penstock.dev.gateway_responses import reason_for
from penstock.dev.invocation import Outcome, Returned
from penstock.ids import uuid7


class Schedule:
    """One invocation after another, `every_s` apart; never two at a time."""

    def __init__(
        self,
        invoke: Callable[[bytes], Outcome],
        every_s: float,
        *,
        tell: Callable[[str], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._invoke = invoke
        self._every_s = every_s
        self._tell = tell
        self._now = now
        self._stopping = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="schedule", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()

    def run_once(self) -> None:
        outcome = self._invoke(scheduled_event(uuid7(), self._now()))
        if not isinstance(outcome, Returned) and not self._stopping.is_set():
            self._tell(f"a scheduled run failed: {reason_for(outcome)}")

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            self.run_once()


def scheduled_event(event_id: str, now_s: float) -> bytes:
    """EventBridge's event of a scheduled rule."""
    event = {
        "version": "0",
        "id": event_id,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT_ID,
        "time": datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/local"],
        "detail": {},
    }
    return json.dumps(event).encode()
