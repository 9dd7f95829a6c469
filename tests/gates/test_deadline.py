"""Deadlines: what can be interrupted is, and what cannot ends its process with its place in the log."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from penstock.gates.deadline import GRACE_S, SLACK_S, DeadlineExceededError, Deadlines

STUCK = """
    import random
    from penstock.gates.deadline import Deadlines

    def stuck_plugin():
        {body}

    # Made before the time runs: a busy machine may need longer for it than the deadline.
    NUMBERS = [random.random() for _ in range(50_000)] * 160
    deadlines = Deadlines.for_environment()
    print("up", flush=True)
    {before}
    deadlines.run(0.1, stuck_plugin)
    print("went on", flush=True)
"""

SWALLOWS = """
        import time
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass
"""
IN_C_CODE = """
        sorted(NUMBERS)
"""


def test_a_call_in_time_gives_its_result_and_leaves_no_timer_behind() -> None:
    deadlines = Deadlines(None)
    assert deadlines.run(0.05, lambda: 7) == 7
    time.sleep(0.1)  # a timer left behind would raise here


def test_a_call_that_is_late_is_interrupted() -> None:
    with pytest.raises(DeadlineExceededError):
        Deadlines(None).run(0.02, lambda: time.sleep(60))


def test_what_comes_back_late_does_not_count_even_when_the_signal_was_swallowed() -> None:
    def swallow(then: str) -> str:
        with contextlib.suppress(BaseException):
            time.sleep(60)
        if then == "raise":
            raise KeyError(then)
        return then

    for then in ("return", "raise"):
        with pytest.raises(DeadlineExceededError):
            Deadlines(None).run(0.02, lambda then=then: swallow(then))  # type: ignore[misc]  # bound per round


def test_a_call_that_ignores_the_signal_does_not_take_the_next_ones_deadline() -> None:
    deadlines = Deadlines(None)
    deadlines.run(1, lambda: signal.signal(signal.SIGALRM, signal.SIG_IGN))
    with pytest.raises(DeadlineExceededError):
        deadlines.run(0.02, lambda: time.sleep(60))


class Recorded:
    """A hard timer that ends nothing. `ends`: when it would, on the monotonic clock; None while it is off."""

    def __init__(self) -> None:
        self.ends: float | None = None
        self.armed = 0

    def arm(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds
        self.armed += 1

    def disarm(self) -> None:
        self.ends = None


def test_calls_that_follow_each_other_set_the_hard_timer_once() -> None:
    hard = Recorded()
    deadlines = Deadlines(hard)
    deadlines.begin()
    for _ in range(20):
        deadlines.run(10, len, ())
        assert hard.ends is not None
    deadlines.end()
    assert hard.ends is None
    assert hard.armed == 1


def test_the_hard_timer_ends_no_call_before_its_time_and_none_much_later() -> None:
    hard = Recorded()
    deadlines = Deadlines(hard)

    def left_s() -> float:
        assert hard.ends is not None
        return hard.ends - time.monotonic()

    for seconds in (5.0, 0.5, 0.51, 0.5, 20.0, 20.0, 3.0):
        deadlines.begin()
        for _ in range(3):
            # Both are read while the call runs: a slow machine takes from them alike.
            started = time.monotonic()
            left = deadlines.run(seconds, left_s)
            waited = time.monotonic() - started
            assert seconds + GRACE_S - waited <= left <= seconds + GRACE_S + SLACK_S
    for seconds in (5.0, 0.5, 0.55, 3.0):  # not anew each time
        started = time.monotonic()
        left = deadlines.run(seconds, left_s)
        waited = time.monotonic() - started
        assert seconds + GRACE_S - waited <= left <= seconds + GRACE_S + SLACK_S
    deadlines.end()


def test_a_call_on_its_own_leaves_no_timer_behind_whether_or_not_others_shared_them_before() -> None:
    hard = Recorded()
    deadlines = Deadlines(hard)
    deadlines.begin()
    deadlines.run(10, len, ())
    deadlines.end()
    assert (signal.getitimer(signal.ITIMER_REAL), hard.ends) == ((0.0, 0.0), None)
    deadlines.run(10, len, ())
    assert (signal.getitimer(signal.ITIMER_REAL), hard.ends) == ((0.0, 0.0), None)


def test_a_rest_between_calls_has_no_timer_and_the_next_call_has_one() -> None:
    hard = Recorded()
    deadlines = Deadlines(hard)
    deadlines.begin()
    deadlines.run(10, len, ())
    deadlines.rest()
    assert (signal.getitimer(signal.ITIMER_REAL), hard.ends) == ((0.0, 0.0), None)
    with pytest.raises(DeadlineExceededError):
        deadlines.run(0.02, time.sleep, 60)
    deadlines.end()


def test_a_call_that_stops_the_timer_does_not_take_the_next_ones_deadline() -> None:
    deadlines = Deadlines(None)
    deadlines.begin()
    deadlines.run(10, signal.setitimer, signal.ITIMER_REAL, 0)
    with pytest.raises(DeadlineExceededError):
        deadlines.run(0.02, time.sleep, 60)
    deadlines.end()


def test_the_deadline_of_a_call_that_is_over_strikes_no_other() -> None:
    deadlines = Deadlines(None)
    deadlines.begin()
    with pytest.raises(DeadlineExceededError):
        deadlines.run(0.02, time.sleep, 60)
    time.sleep(0.1)  # the timer goes on, and finds nobody
    deadlines.run(0.02, len, ())
    assert deadlines.run(10, time.sleep, 0.1) is None
    deadlines.end()


def test_a_signal_that_comes_too_early_strikes_nobody() -> None:
    deadlines = Deadlines(None)
    assert deadlines.run(10, signal.raise_signal, signal.SIGALRM) is None


def test_what_a_call_raises_comes_out_as_it_is() -> None:
    with pytest.raises(KeyError):
        Deadlines(None).run(1, lambda: dict[str, int]()["x"])


def test_deadlines_refuse_any_thread_but_the_main_one() -> None:
    caught: list[BaseException] = []

    def make() -> None:
        try:
            Deadlines(None)
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])


ALONE = "pass"
AFTER_ANOTHER = "deadlines.begin(); deadlines.run(0.1, len, ())"


@pytest.mark.parametrize("before", [ALONE, AFTER_ANOTHER], ids=["alone", "after another"])
@pytest.mark.parametrize("body", [SWALLOWS, IN_C_CODE], ids=["swallows BaseException", "sits in C code"])
def test_what_cannot_be_interrupted_ends_the_process_and_names_the_plugin(body: str, before: str) -> None:
    stuck = textwrap.dedent(body).strip().replace("\n", "\n    ")
    script = textwrap.dedent(STUCK).replace("{body}", stuck).replace("{before}", before)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "up\n"
    assert done.returncode < 0  # ended by a signal
    assert "stuck_plugin" in done.stderr
