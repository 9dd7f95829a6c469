from __future__ import annotations

import pytest

from penstock.errors import StorageError, UndeliverableError
from penstock.sdk import Context, Evidence
from tests.background.fakes import HOST, Stage, body
from tests.evidence.ports import Trap, storage_failure


def hopeless(evidence: Evidence, ctx: Context) -> None:
    ctx.deliver(f"https://{HOST}/", b"{}")
    raise UndeliverableError("the receiver will never take it")


def test_what_no_later_try_will_change_is_a_dead_letter_at_once_and_recorded() -> None:
    stage = Stage(hopeless)
    record = stage.deliver()
    assert record is not None, "deleted from its queue: nothing raised"
    assert stage.records() == [record]
    assert (record.action, record.failure, record.reason) == ("fail", "denied", "undeliverable")
    assert record.also == ["emit"]
    assert stage.dead == [body()], "as it came, so that it can be sent again"


def test_a_dead_letter_that_cannot_be_put_away_comes_back() -> None:
    stage = Stage(hopeless)

    def refuse(body: str) -> None:
        raise StorageError("send to a queue")

    stage.bury = refuse
    stage.restart()
    with pytest.raises(StorageError):
        stage.deliver()
    stage.bury = stage.dead.append
    stage.restart()
    assert stage.deliver(2) is not None
    assert [record.attempt for record in stage.records()] == [1, 2]
    assert stage.dead == [body()]


def test_a_record_that_cannot_be_stored_is_no_dead_letter_yet() -> None:
    stage = Stage(hopeless)
    stage.objects.trap = Trap(0, error=storage_failure)
    with pytest.raises(StorageError):
        stage.deliver()
    assert stage.dead == []


def test_at_most_once_nothing_is_kept_to_be_sent_again() -> None:
    stage = Stage(hopeless).at_most_once()
    record = stage.deliver()
    assert record is not None
    assert (record.reason, stage.dead) == ("undeliverable", [])
    assert stage.deliver(2) is None
