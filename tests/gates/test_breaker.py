"""The breaker: what counts, when it opens, and its one trial."""

from __future__ import annotations

import pytest

from penstock.errors import FailureClass
from penstock.gates.breaker import OPEN_S, THRESHOLD, Breaker


def test_it_opens_after_failures_in_a_row_and_admits_one_trial_later() -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    for _ in range(THRESHOLD):
        assert breaker.admits()
        breaker.failed(FailureClass.UNAVAILABLE)
    assert not breaker.admits()
    now[0] = OPEN_S
    assert breaker.admits()
    breaker.failed(FailureClass.UNAVAILABLE)
    assert not breaker.admits()
    now[0] = 2 * OPEN_S
    assert breaker.admits()
    breaker.succeeded()
    assert breaker.admits()


@pytest.mark.parametrize(
    "failure", [FailureClass.EXCEPTION, FailureClass.TIMEOUT, FailureClass.CONTRACT, FailureClass.DENIED]
)
def test_what_one_callers_input_can_cause_never_opens_it(failure: FailureClass) -> None:
    breaker = Breaker(lambda: 0.0)
    for _ in range(10 * THRESHOLD):
        breaker.failed(failure)
    assert breaker.admits()


def test_a_success_between_failures_starts_the_count_again() -> None:
    breaker = Breaker(lambda: 0.0)
    for _ in range(THRESHOLD - 1):
        breaker.failed(FailureClass.THROTTLED)
    breaker.succeeded()
    breaker.failed(FailureClass.THROTTLED)
    assert breaker.admits()
