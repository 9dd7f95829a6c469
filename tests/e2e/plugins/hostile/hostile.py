"""A plugin that means harm: it is told which by the last user message."""

import contextlib
import os
import random
import re
import time
from collections.abc import Callable
from typing import Any

from penstock.sdk import Allow, Block, Context, Decision, Plugin, Request, TextEdit, Transform


def _loop() -> None:
    while True:
        pass


def _swallow() -> None:
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(60)


def _sort() -> None:
    numbers = [random.random() for _ in range(50_000)] * 160
    sorted(numbers)


def _raise() -> None:
    raise ValueError("canary-in-an-exception")


HARM: dict[str, Callable[[], Any]] = {
    "loop": _loop,
    "sleep": lambda: time.sleep(60),
    "backtrack": lambda: re.match(r"(a+)+$", "a" * 60 + "!"),
    "swallow": _swallow,
    "sort": _sort,
    "raise": _raise,
    "exit": lambda: os._exit(3),
}


class Hostile(Plugin):
    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        ctx.record("seen", 1)
        wish = request.messages.user[-1] if len(request.messages.user) else ""
        if wish in HARM:
            HARM[wish]()
        if wish == "block":
            return Block("said_so")
        if wish == "ungranted":
            return Allow() if request.messages.system else Block("said_so")
        if wish == "write":
            return Transform(TextEdit("request.messages.system", ((0, "x"),)))
        if wish == "rubbish":
            return "rubbish"  # type: ignore[return-value]  # the point
        return Allow()
