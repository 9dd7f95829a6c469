"""Runs functions of a synthesised stack as Lambda would: their files unpacked, their handler and environment.

Each is a process of a bare interpreter, with nothing on its path but the asset and the layers, on the local
Runtime API. What differs from Lambda, and is said in docs/proofs.md: the wheels are this machine's, the paths
/var/task and /opt lie in a scratch folder, and AWS is moto.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.dev.invocation import Begun, Ended, Exchange, Invocation
from penstock.dev.runtime_api import RuntimeApi
from penstock.ids import uuid7
from tests.infra.template import plain

# What Lambda gives to a wrapper: the interpreter, then its own bootstrap, which ours does not use.
BOOTSTRAP = "/var/runtime/bootstrap.py"
START_S = 30.0
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Deployed:
    """A function of a template: its properties, and where its asset and its layers lie."""

    properties: Mapping[str, Any]
    task: Path
    opt: Path

    def environment(self) -> dict[str, str]:
        variables = self.properties["Environment"]["Variables"]
        return {name: self.moved(plain(value)) for name, value in variables.items()}

    def moved(self, text: str) -> str:
        return text.replace("/var/task", str(self.task)).replace("/opt/", f"{self.opt}/")


class Process:
    """One environment of a function."""

    def __init__(self, api: RuntimeApi, timeout_s: float = TIMEOUT_S) -> None:
        self._api = api
        self._timeout_s = timeout_s

    def invoke(self, event: Mapping[str, Any]) -> tuple[bytes, bool]:
        """What it answered, and whether it streamed it."""
        deadline_ms = int((time.time() + self._timeout_s) * 1000)
        exchange = Exchange(Invocation(uuid7(), json.dumps(event).encode(), deadline_ms, "arn", "Root=1"))
        self._api.hand_over(exchange)
        body, streamed = b"", False
        while not isinstance(part := exchange.take(self._timeout_s), Ended):
            match part:
                case Begun(streaming=streaming):
                    streamed = streaming
                case bytes():
                    body += part
                case _:
                    raise AssertionError(f"the function did not answer: {part}")
        return body, streamed


@contextmanager
def running(function: Deployed, also: Mapping[str, str], log: Path) -> Iterator[Process]:
    api = RuntimeApi()
    api.start()
    variables = {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_FUNCTION_NAME": function.properties["FunctionName"],
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_REGION": "eu-central-1",
        "LAMBDA_TASK_ROOT": str(function.task),
        "_HANDLER": function.properties["Handler"],
        **function.environment(),
        **also,
    }
    with log.open("wb") as sink:
        process = subprocess.Popen(
            arguments(function), env=variables, cwd=function.task, stdout=sink, stderr=sink
        )
    try:
        assert api.first_word.wait(START_S), log.read_text()
        assert process.poll() is None, log.read_text()
        yield Process(api)
    finally:
        process.kill()
        process.wait()
        api.stop()


def arguments(function: Deployed) -> list[str]:
    """As Lambda starts it: the wrapper around the interpreter, else the runtime that the asset brings."""
    python = str(vars(sys)["_base_executable"])  # the one below the virtual environment
    wrapper = function.environment().get("AWS_LAMBDA_EXEC_WRAPPER")
    if wrapper:
        return [wrapper, python, BOOTSTRAP]
    return [python, "-m", "awslambdaric", str(function.properties["Handler"])]
