from __future__ import annotations

import logging

import pytest

from penstock.evidence import layout
from penstock.evidence.record import EvidenceRecord
from penstock.evidence.schema import read_record
from penstock.evidence.sweeper import LEASE_MS, LOST_LEASE_MS
from penstock.evidence.whereabouts import as_terminal
from penstock.ids import uuid7
from tests.evidence import examples
from tests.evidence.ports import (
    AGE_MS,
    NOW_MS,
    Backstage,
    CrashError,
    outbox_body,
    queue_url,
    storage_failure,
)
from tests.evidence.test_recorder import begun, intention


def stored(backstage: Backstage) -> EvidenceRecord:
    (key,) = backstage.stored_keys()
    return read_record(layout.unpack(backstage.objects.get(key) or b""))


def test_an_old_intent_becomes_a_record_that_says_what_is_not_known() -> None:
    backstage = begun()
    backstage.now_ms += AGE_MS + 1
    swept = backstage.sweeper.sweep(10)
    record = stored(backstage)
    assert (record.outcome, record.cause, record.status) == ("outcome_unknown", "environment_lost", None)
    assert record.principal == examples.answered().principal
    assert record.resource == examples.answered().resource
    assert record.placements == []
    assert record.inspect is not None
    assert [record.inspect.s3] == backstage.stored_keys()
    assert (swept.stored, swept.settled, swept.lost) == (1, 1, 0)
    assert backstage.open_ids() == []


def test_a_young_intent_is_left_alone() -> None:
    backstage = begun()
    backstage.now_ms += AGE_MS
    assert backstage.sweeper.sweep(10).settled == 0
    assert backstage.open_ids() == [examples.REQUEST_ID]


def test_an_intent_whose_outcome_is_stored_is_only_settled() -> None:
    backstage = Backstage()
    backstage.open(examples.answered(), intention(examples.answered(), "audit-export").facts())
    backstage.trap(1, after=False)  # between storing and settling
    with pytest.raises(CrashError):
        backstage.recorder.record(outbox_body(examples.answered(), "audit-export"))
    backstage.trap(-1, after=False)
    backstage.now_ms += AGE_MS + 1
    swept = backstage.sweeper.sweep(10)
    assert (swept.stored, swept.settled) == (0, 1)
    assert stored(backstage) == as_terminal(examples.answered())
    assert backstage.queues.bodies(queue_url("audit-export")) == []


def test_background_plugins_hear_of_a_lost_request() -> None:
    backstage = Backstage()
    backstage.open(examples.answered(), intention(examples.answered(), "audit-export").facts())
    backstage.now_ms += AGE_MS + 1
    backstage.sweeper.sweep(10)
    (body,) = backstage.queues.bodies(queue_url("audit-export"))
    assert '"outcome_unknown"' in body


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(4))
def test_a_crash_at_any_step_is_mended_by_the_next_run(at: int, after: bool) -> None:
    backstage = Backstage()
    backstage.open(examples.answered(), intention(examples.answered(), "audit-export").facts())
    backstage.now_ms += AGE_MS + 1
    backstage.trap(at, after=after)
    with pytest.raises(CrashError):
        backstage.sweeper.sweep(10)
    backstage.trap(-1, after=False)
    backstage.now_ms += LEASE_MS
    backstage.sweeper.sweep(10)
    assert stored(backstage).outcome == "outcome_unknown"
    assert backstage.open_ids() == []
    assert len(set(backstage.queues.bodies(queue_url("audit-export")))) == 1


def test_an_intent_that_cannot_be_read_is_reported_and_does_not_stop_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    backstage = begun()
    broken = uuid7(NOW_MS, b"0123456789")
    backstage.ledger.open_intent(broken, NOW_MS, {"principal": "a secret sentence"})
    backstage.now_ms += AGE_MS + 1
    with caplog.at_level(logging.ERROR):
        swept = backstage.sweeper.sweep(10)
    assert (swept.stored, swept.lost) == (1, 1)
    assert backstage.open_ids() == [broken]
    assert "secret" not in caplog.text


def test_intents_that_cannot_be_closed_do_not_keep_out_the_others() -> None:
    backstage = Backstage()
    for number in range(4):
        backstage.ledger.open_intent(uuid7(NOW_MS + number), NOW_MS, {"broken": True})
    backstage.now_ms += 1
    for number in range(4):
        backstage.ledger.open_intent(
            uuid7(NOW_MS + number), backstage.now_ms, intention(examples.answered()).facts()
        )
    backstage.now_ms += AGE_MS + 1
    assert backstage.sweeper.sweep(3).settled == 3
    assert backstage.sweeper.sweep(3).settled == 1


def test_an_intent_that_cannot_be_closed_is_counted_once_a_day() -> None:
    backstage = Backstage()
    backstage.ledger.open_intent(examples.REQUEST_ID, NOW_MS, {"broken": True})
    backstage.now_ms += AGE_MS + 1
    lost = []
    for _ in range(24):
        lost.append(backstage.sweeper.sweep(10).lost)
        backstage.now_ms += LOST_LEASE_MS // 24
    assert sum(lost) == 1
    backstage.now_ms += LEASE_MS
    assert backstage.sweeper.sweep(10).lost == 1


def test_a_plugin_whose_queue_is_gone_costs_its_own_intents_only() -> None:
    backstage = Backstage()
    for plugins in (("removed",), ("audit-export",)):
        facts = intention(examples.answered(), *plugins).facts()
        backstage.ledger.open_intent(uuid7(NOW_MS), NOW_MS, facts)
    backstage.queues.missing = queue_url("removed")
    backstage.now_ms += AGE_MS + 1
    swept = backstage.sweeper.sweep(10)
    assert (swept.lost, swept.settled) == (1, 1)


def test_a_store_that_fails_postpones_one_intent_and_not_the_others() -> None:
    backstage = begun()
    backstage.ledger.open_intent(uuid7(NOW_MS), NOW_MS, intention(examples.answered()).facts())
    backstage.now_ms += AGE_MS + 1
    backstage.trap(1, after=False, error=storage_failure)
    swept = backstage.sweeper.sweep(10)
    assert (swept.postponed, swept.stored, swept.lost) == (1, 1, 0)


def test_a_run_keeps_to_its_limit_and_to_its_time() -> None:
    backstage = Backstage()
    for number in range(5):
        backstage.ledger.open_intent(uuid7(NOW_MS + number), NOW_MS, intention(examples.answered()).facts())
    backstage.now_ms += AGE_MS + 1
    assert backstage.sweeper.sweep(2).settled == 2
    assert backstage.sweeper.sweep(10, lambda: False).settled == 0
    assert backstage.sweeper.sweep(10).settled == 3
