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

from penstock.gates.deadline import DeadlineExceededError, Deadlines

STUCK = """
    import random
    from penstock.gates.deadline import Deadlines

    def stuck_plugin():
        {body}

    # Made before the time runs: a busy machine may need longer for it than the deadline.
    NUMBERS = [random.random() for _ in range(50_000)] * 160
    deadlines = Deadlines.for_environment()
    print("up", flush=True)
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


@pytest.mark.parametrize("body", [SWALLOWS, IN_C_CODE], ids=["swallows BaseException", "sits in C code"])
def test_what_cannot_be_interrupted_ends_the_process_and_names_the_plugin(body: str) -> None:
    script = textwrap.dedent(STUCK).replace("{body}", textwrap.dedent(body).strip().replace("\n", "\n    "))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "up\n"
    assert done.returncode < 0  # ended by a signal
    assert "stuck_plugin" in done.stderr
