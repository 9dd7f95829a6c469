"""Takes what it is not given: time, memory, disk, processes, the environment itself."""

import atexit
import contextlib
import os
import random
import re
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

from penstock.sdk import Allow, Block, Context, Decision, Plugin, Request

MB = 1024 * 1024
CHILDREN = 20


def _loop() -> None:
    while True:
        pass


def _swallow() -> None:
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(60)


def _alarm_off() -> None:
    """The first timer is only a signal: who runs in the process can turn it off."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    time.sleep(60)


def _recursion() -> None:
    _recursion()


def _memory() -> None:
    held = []
    for _ in range(8 * 1024):
        held.append(bytearray(MB))  # noqa: PERF401 - until there is no more


def _disk() -> None:
    with tempfile.TemporaryFile() as file:
        for _ in range(8 * 1024):
            file.write(bytes(MB))


def _fork() -> None:
    for _ in range(CHILDREN):
        if os.fork() == 0:
            time.sleep(5)
            os._exit(0)


def _at_exit() -> None:
    """It hangs when the process shall end, and so does a thread that nobody waits for."""
    atexit.register(time.sleep, 60)
    threading.Thread(target=time.sleep, args=(60,)).start()
    raise SystemExit


def _interrupt() -> None:
    raise KeyboardInterrupt


def _raise() -> None:
    raise ValueError("words-of-an-exception")


HARM: dict[str, Callable[[], Any]] = {
    "loop": _loop,
    "sleep": lambda: time.sleep(60),
    "backtrack": lambda: re.match(r"(a+)+$", "a" * 60 + "!"),
    "sort": lambda: sorted([random.random() for _ in range(50_000)] * 160),
    "swallow": _swallow,
    "alarm_off": _alarm_off,
    "recursion": _recursion,
    "memory": _memory,
    "disk": _disk,
    "fork": _fork,
    "at_exit": _at_exit,
    "interrupt": _interrupt,
    "raise": _raise,
    "exit": lambda: os._exit(3),
}


class Breaker(Plugin):
    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        wish = request.messages.user[-1]
        if wish == "reached":
            return Block("reached")
        if wish == "nothing":
            return Block("nothing")
        HARM[wish]()
        return Allow()
