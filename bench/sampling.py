"""Says where the CPU time of a call goes: a timer looks at the stack again and again while it is repeated.

`ITIMER_PROF` counts the CPU time of the process: waiting is no sample, and no tool has to be installed.
The kernel gives some 250 samples a second. What C code takes counts for the function that called it.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from types import CodeType, FrameType
from typing import Final

from bench.measuring import Call

INTERVAL_S: Final = 0.001
Stack = tuple[CodeType, ...]
"""Outermost first."""


def sampled(call: Call, seconds: float) -> tuple[Counter[Stack], float]:
    """Samples of `call`, repeated for `seconds` of CPU time; and the µs that one call took, on average."""
    stacks: Counter[Stack] = Counter()

    def look(_signum: int, frame: FrameType | None) -> None:
        stacks[_stack(frame)] += 1

    before = signal.signal(signal.SIGPROF, look)
    started, calls = time.process_time(), 0
    signal.setitimer(signal.ITIMER_PROF, INTERVAL_S, INTERVAL_S)
    try:
        while time.process_time() - started < seconds:
            call()
            calls += 1
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return stacks, (time.process_time() - started) / calls * 1e6


def _stack(frame: FrameType | None) -> Stack:
    found: list[CodeType] = []
    while frame is not None:
        found.append(frame.f_code)
        frame = frame.f_back
    return tuple(reversed(found))
