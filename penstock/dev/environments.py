"""Execution environments: each a process of its own that serves one request at a time, as Lambda has them."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from penstock.dev.invocation import (
    Begun,
    Ended,
    EnvironmentLost,
    Exchange,
    Failed,
    FunctionFailed,
    Invocation,
    Lost,
    Outcome,
    Part,
    Refused,
    RefusedError,
    Relay,
    Returned,
    Streamed,
    TimedOut,
)
from penstock.dev.processes import Process, Starter
from penstock.dev.runtime_api import RuntimeApi

REGION = "eu-central-1"
ACCOUNT_ID = "123456789012"  # moto's own
# Taken over from the operator's environment, and nothing else: real AWS credentials stay outside.
PASSED_ON = ("HOME", "LANG", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE")
LOG_TAIL_BYTES = 2000
# How long a caller may have been gone before it is seen, while a stream is silent.
LOOK_EVERY_S = 0.2
# What a process wrote before it ended is there already; only its reader, a thread, may need a moment.
SETTLE_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """What a Lambda function is configured with, as far as it shows on one machine."""

    name: str
    handler: str
    """Dotted, the function last: "functions.gateway.handler.handler"."""
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 30.0
    warm: int = 1
    """Environments that are always there."""
    maximum: int = 8
    """Environments at most: Lambda's reserved concurrency."""
    folder: Path = field(default_factory=Path.cwd)
    """Where the code is: LAMBDA_TASK_ROOT."""
    init_timeout_s: float = 30.0
    """Lambda gives 10 s; several environments that start at once on a laptop need more."""
    streams: bool = False
    """Its route streams: it runs in our runtime, and every answer has the prelude."""
    command: tuple[str, ...] = ()
    """What starts it; none: this interpreter with the runtime that it needs."""
    aliases: tuple[str, ...] = ()
    """By which it can be invoked besides its name."""

    @property
    def arn(self) -> str:
        name = self.environment.get("AWS_LAMBDA_FUNCTION_NAME", self.name)
        return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}"


class Environment:
    """One process of a function: made, started, then invoked by one caller at a time while it is `alive`."""

    def __init__(self, function: Function, group: Starter, log: Path) -> None:
        self._function = function
        self._group = group
        self._log = log
        self._api = RuntimeApi()
        self._exchange: Exchange | None = None
        self._lock = threading.Lock()
        self._lost: Lost | None = None
        self._ready = False
        self._stopped = False
        self._process: Process | None = None

    @property
    def alive(self) -> bool:
        return self._lost is None and not self._stopped

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self, on_loss: Callable[[], None] | None = None) -> str | None:
        """Start the process and wait until it asks for work: `None`, or why it failed, for the operator.

        `on_loss` is called, from a thread of its own, when an environment that had started has ended.
        """
        log_size = self._log.stat().st_size if self._log.exists() else 0
        with self._lock:
            if self._stopped:
                return f"{self._function.name} did not start: it was stopped before."
            self._api.start()
            self._process = self._group.start(
                self._arguments(), self._variables(), self._log, self._function.folder
            )
        threading.Thread(target=self._watch, args=(on_loss,), name="environment", daemon=True).start()
        in_time = self._api.first_word.wait(self._function.init_timeout_s)
        self._ready = in_time and self.alive and self._api.init_error is None
        if self._ready:
            return None
        reason = self._init_problem(in_time)
        self.stop()
        return f"{self._function.name} did not start: {reason}\n{_tail(self._log, log_size)}".rstrip()

    def invoke(self, invocation: Invocation, relay: Relay | None = None) -> Outcome:
        """Run one invocation to its end, whatever that is. The environment is free again, or not `alive`.

        A streamed answer goes to `relay` while it is made; without one it is collected.
        """
        exchange = Exchange(invocation)
        with self._lock:
            if self._lost:
                return EnvironmentLost(self._lost.status)
            self._exchange = exchange
        self._api.hand_over(exchange)
        try:
            return self._outcome(exchange, relay)
        except RefusedError:
            exchange.abandon()
            return self._wound_up(exchange)
        finally:
            exchange.abandon()
            self._exchange = None

    def stop(self) -> None:
        """Kill it and wait for its end; or let it never start."""
        with self._lock:
            self._stopped = True
            process = self._process
        if process:
            process.kill()
            process.wait()
        self._api.stop()

    def _outcome(self, exchange: Exchange, relay: Relay | None) -> Outcome:
        chunks: list[bytes] = []
        streaming_to: Relay | None = None
        while True:
            match _next_part(exchange, streaming_to):
                case Begun(streaming=streaming):
                    streaming_to = relay if streaming else None
                case bytes() as chunk if streaming_to:
                    streaming_to.pass_on(chunk)
                case bytes() as chunk:
                    chunks.append(chunk)
                case Ended(error=None):
                    return Streamed() if streaming_to else Returned(b"".join(chunks))
                case Ended(error=str() as error):
                    return FunctionFailed(error.encode())
                case Failed(payload):
                    return FunctionFailed(payload)
                case Lost(status):
                    self._note(exchange, f"Error: Runtime exited with error: {status}\nRuntime.ExitError")
                    return EnvironmentLost(status)
                case None:
                    return self._timed_out(exchange)

    def _wound_up(self, exchange: Exchange) -> Outcome:
        """Nobody takes its answer: it is busy all the same until it asks for work, as in Lambda."""
        if self._api.waiting.wait(max(exchange.left_s(), 0.0)):
            return Refused()
        return self._timed_out(exchange)

    def _timed_out(self, exchange: Exchange) -> TimedOut:
        self._note(exchange, f"Task timed out after {self._function.timeout_s:.2f} seconds")
        self.stop()
        return TimedOut(self._function.timeout_s)

    def _watch(self, on_loss: Callable[[], None] | None) -> None:
        assert self._process is not None  # noqa: S101 - the watcher starts after the process
        status = self._process.wait()
        with self._lock:
            self._lost = Lost(_status_text(status))
            exchange = self._exchange
        self._api.settle(SETTLE_S)
        self._api.first_word.set()
        self._api.waiting.set()
        if exchange:
            exchange.put(self._lost)
        self._api.stop()
        if on_loss and self._ready:
            on_loss()

    def _init_problem(self, in_time: bool) -> str:
        if not in_time:
            return f"it did not ask for work within {self._function.init_timeout_s:.0f} s."
        if self._api.init_error is not None:
            return FunctionFailed(self._api.init_error).error_type + "."
        return f"its process ended ({self._lost.status if self._lost else 'unknown'})."

    def _note(self, exchange: Exchange, text: str) -> None:
        with self._log.open("a") as log:
            log.write(f"RequestId: {exchange.invocation.request_id} {text}\n")

    def _arguments(self) -> list[str]:
        if self._function.command:
            return list(self._function.command)
        runtime = "penstock.runtime" if self._function.streams else "awslambdaric"
        return [sys.executable, "-m", runtime, self._function.handler]

    def _variables(self) -> dict[str, str]:
        """The environment variables that Lambda sets, then the function's own, which may say otherwise."""
        function = self._function
        return {
            **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": self._log.name,
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "LAMBDA_TASK_ROOT": str(function.folder),
            "_HANDLER": function.handler,
            "PENSTOCK_STREAMING": "1" if function.streams else "0",
            "PYTHONPATH": str(function.folder),
            "PYTHONUNBUFFERED": "1",
            "TZ": ":UTC",
            **function.environment,
        }


def _next_part(exchange: Exchange, streaming_to: Relay | None) -> Part | None:
    """The next part; `None` when the function's time is up before it has answered.

    Raises:
        RefusedError: the caller of a streamed answer has gone.
    """
    while exchange.answered or exchange.left_s() > 0:
        wait_s = exchange.left_s()
        part = exchange.take(min(wait_s, LOOK_EVERY_S) if streaming_to else wait_s)
        if part is not None:
            return part
        if streaming_to and streaming_to.gone:
            raise RefusedError
    return None


def _status_text(returncode: int) -> str:
    if returncode >= 0:
        return f"exit status {returncode}"
    return f"signal: {(signal.strsignal(-returncode) or str(-returncode)).lower()}"


def _tail(log: Path, from_byte: int) -> str:
    """The end of what was written to the log since `from_byte`."""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(from_byte, size - LOG_TAIL_BYTES))
        return file.read().decode(errors="replace")
