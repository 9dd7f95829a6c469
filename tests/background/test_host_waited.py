"""A delivery that the gateway waits for, and what its queue brings after that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from penstock.background.host import Attempt
from penstock.evidence.delivery import DELIVERY_UNKNOWN
from penstock.sdk import Context, Evidence
from tests.background.fakes import HOST, PLACEMENT, Behaviour, Stage, body


def export(_: Evidence, ctx: Context) -> None:
    ctx.http.post(f"https://{HOST}/in", json={}).raise_for_status()


def waiting(behaviour: Behaviour, **changes: Any) -> Stage:
    return Stage(behaviour, placement=replace(PLACEMENT, wait=True, **changes))


WAITED = Attempt.waited(1.0, 60.0)


@pytest.mark.parametrize("delivery", ["at_least_once", "at_most_once"])
def test_what_the_gateway_has_brought_the_queue_does_not_bring_again(delivery: str) -> None:
    stage = waiting(export, delivery=delivery)
    record = stage.host.answer(body(), WAITED)
    assert record is not None
    assert (record.path, record.message_id, record.attempt, record.action) == (
        "response",
        "response",
        1,
        "emit",
    )
    stage.restart()
    assert stage.deliver() is None
    assert (stage.plugin.calls, stage.records()) == (1, [record])


def test_what_the_gateway_could_not_bring_the_queue_brings() -> None:
    stage = waiting(export)
    record = stage.deliver()
    assert record is not None
    assert (record.path, record.action, stage.plugin.calls) == ("background", "emit", 1)


def test_a_call_that_failed_while_somebody_waited_is_tried_again_from_the_queue() -> None:
    stage = waiting(failing_once())
    record = stage.host.answer(body(), WAITED)
    assert record is not None
    assert (record.action, record.failure, record.path) == ("fail", "exception", "response")
    again = stage.deliver()
    assert again is not None
    assert (again.action, again.path, stage.plugin.calls) == ("allow", "background", 2)


def test_at_most_once_a_call_that_failed_while_somebody_waited_is_not_tried_again() -> None:
    stage = waiting(failing_once(), delivery="at_most_once")
    record = stage.host.answer(body(), WAITED)
    assert record is not None
    assert record.action == "fail"
    assert stage.deliver() is None
    assert stage.plugin.calls == 1


def test_at_most_once_a_crash_while_somebody_waited_is_delivery_unknown_from_the_queue() -> None:
    stage = waiting(crashing, delivery="at_most_once")
    with pytest.raises(KeyboardInterrupt):
        crash(stage)
    stage.now_ms += 60_000  # the claim was for as long as somebody waited
    stage.restart()
    record = stage.deliver()
    assert record is not None
    assert (record.reason, record.path, stage.plugin.calls) == (DELIVERY_UNKNOWN, "background", 0)


def test_while_somebody_waits_the_deadline_is_theirs() -> None:
    left: list[float] = []
    stage = waiting(lambda _, ctx: left.append(ctx.remaining_ms), timeout_ms=9_000)
    stage.host.answer(body(), Attempt.waited(0.5, 60.0))
    assert 0 < left[0] <= 500


def test_an_amendment_is_delivered_though_the_first_record_was() -> None:
    stage = waiting(export)
    stage.host.answer(body(), WAITED)
    record = stage.deliver(amends=True)
    assert record is not None
    assert stage.plugin.calls == 2


def failing_once() -> Behaviour:
    calls: list[None] = []

    def behave(_: Evidence, __: Context) -> None:
        calls.append(None)
        if len(calls) == 1:
            raise ValueError("x")

    return behave


def crashing(_: Evidence, __: Context) -> None:
    """Never reached: the environment ends before."""


def crash(stage: Stage) -> None:
    """The environment ends between the claim and the call."""
    claimed = stage.ledger.claim_delivery

    def claims(*arguments: Any) -> Any:
        claimed(*arguments)
        raise KeyboardInterrupt

    stage.ledger.claim_delivery = claims  # type: ignore[method-assign,assignment]  # the seam at which it ends
    try:
        stage.host.answer(body(), WAITED)
    finally:
        stage.ledger.claim_delivery = claimed  # type: ignore[method-assign]  # as it was
