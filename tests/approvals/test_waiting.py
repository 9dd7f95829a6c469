"""What Step Functions tells of a step that waits."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.approvals.waiting import decode_waiting
from tests.approvals.fakes import REQUEST_ID

TOLD: dict[str, Any] = {
    "token": "AAAA",
    "plugin": "approval-gate",
    "step": "decide",
    "run_id": "run-1",
    "request_id": REQUEST_ID,
    "reference": "",
    "evidence_key": f"org=acme%2Fx/dt=2026-11-22/hour=12/{REQUEST_ID}.terminal.json.gz",
    "entered_at": "2026-11-22T12:00:00.123Z",
    "timeout_s": 600,
}


def test_the_time_to_answer_begins_with_the_state() -> None:
    begun = decode_waiting({"penstock_approval": TOLD})
    assert (begun.plugin, begun.run_id, begun.step) == ("approval-gate", "run-1", "decide")
    assert begun.waiting == ("AAAA", 1_795_348_800 + 600, REQUEST_ID, "acme/x")


@pytest.mark.parametrize(
    "change", [{"request_id": "../x"}, {"timeout_s": "soon"}, {"entered_at": "now"}, {"token": None}]
)
def test_what_is_no_such_event_is_refused_without_its_words(change: dict[str, Any]) -> None:
    told = {**TOLD, **change}
    if change.get("token", "") is None:
        del told["token"]
    with pytest.raises(ValueError, match="no step that waits") as refused:
        decode_waiting({"penstock_approval": told})
    assert "../x" not in str(refused.value)
