"""The countdown of a call. What it does to a slow provider is in test_client_hostile.py."""

from __future__ import annotations

import httpcore
import pytest

from penstock.upstream.transport import Countdown


def test_a_step_gets_its_own_time_or_what_is_left_of_the_call() -> None:
    now = [0.0]
    countdown = Countdown(lambda: now[0])
    assert countdown.bound(5, httpcore.ReadTimeout) == 5
    countdown.ends_at = 10
    now[0] = 8
    assert countdown.bound(5, httpcore.ReadTimeout) == 2
    assert countdown.bound(1, httpcore.ReadTimeout) == 1
    assert countdown.bound(None, httpcore.ReadTimeout) == 2


@pytest.mark.parametrize("late", [0.0, 0.1])
def test_a_step_after_the_calls_end_is_refused_as_the_timeout_that_it_is(late: float) -> None:
    countdown = Countdown(lambda: 10 + late)
    countdown.ends_at = 10
    with pytest.raises(httpcore.WriteTimeout):
        countdown.bound(5, httpcore.WriteTimeout)
