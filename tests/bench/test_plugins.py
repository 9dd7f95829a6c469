from __future__ import annotations

from typing import Any

from bench.plugins import calls


def test_what_is_measured_does_what_its_row_says() -> None:
    came: dict[str, Any] = {name: call() for name, call in calls().items()}
    assert [name for name, result in came.items() if result.failure is not None] == []
    guards = {name: each for name, each in came.items() if "delivery" not in name}
    assert {name: result.action for name, result in guards.items()} == {
        "dlp-http, 4 KB in 8 texts that pass": "emit",
        "dlp-http, a mask in each": "transform",
        "topic-signals, 4 KB, 50 topics of 20 words": "record",
        "topic-signals, 100 KB": "record",
        "tenant-eligibility, four rows remembered": "record",
        "tenant-eligibility, four rows read from memory": "record",
        "approval-gate, one that waits": "block",
        "approval-gate, one that is approved": "record",
    }
