"""One invocation of a function: what goes in, the parts that come back, and how it can end."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

# What is held of a streamed answer whose caller reads slowly; then its environment has to wait.
HELD_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Invocation:
    """What an environment is given: the event, and what the Runtime API says about it in headers."""

    request_id: str
    event: bytes
    deadline_ms: int
    """Unix milliseconds at which the function is ended."""
    function_arn: str
    trace_id: str


# The parts of an answer, as they arrive: Begun, bytes…, Ended; or Failed; or at any time Lost.


@dataclass(frozen=True, slots=True)
class Begun:
    """The environment has begun to answer. `streaming`: it asked for response streaming."""

    content_type: str
    streaming: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """The answer is complete. `error`: the trailers of a streamed answer that broke after it had begun."""

    error: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The function raised, or what it returned cannot be delivered. `payload` is Lambda's error object."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Lost:
    """The environment's process ended. `status`: "exit status 1" or "signal: killed", as Lambda writes it."""

    status: str


Part: TypeAlias = Begun | bytes | Ended | Failed | Lost


class AbandonedError(Exception):
    """Nobody takes the parts of this exchange any more."""


@dataclass(slots=True)
class Exchange:
    """An invocation under way. The Runtime API puts parts in, whoever invoked takes them out."""

    invocation: Invocation
    on_abandon: Callable[[], None] | None = None
    """Ends the connection that the answer comes by, which may be silent for long."""
    answered: bool = False
    """The environment has ended its answer: what is left of it is here."""
    _parts: deque[Part] = field(default_factory=deque)
    _held_bytes: int = 0
    _abandoned: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def left_s(self) -> float:
        """Seconds until the function's deadline; negative after it."""
        return self.invocation.deadline_ms / 1000 - time.time()

    def put(self, part: Part) -> None:
        """Add a part; bytes wait while more than `HELD_BYTES` are held.

        Raises:
            AbandonedError: for bytes, also if it happens while they wait.
        """
        with self._changed:
            if isinstance(part, bytes):
                self._changed.wait_for(lambda: self._abandoned or self._has_room(len(part)))
                if self._abandoned:
                    raise AbandonedError
                self._held_bytes += len(part)
            self.answered = self.answered or isinstance(part, Ended | Failed)
            self._parts.append(part)
            self._changed.notify_all()

    def take(self, timeout_s: float) -> Part | None:
        """The next part; `None` when the time was up first."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._parts, max(timeout_s, 0.0)):
                return None
            part = self._parts.popleft()
            if isinstance(part, bytes):
                self._held_bytes -= len(part)
            self._changed.notify_all()
            return part

    def abandon(self) -> None:
        """Take no more parts. To be called also when all were taken."""
        with self._changed:
            self._abandoned = True
            ending = self.on_abandon
            self._changed.notify_all()
        if ending:
            ending()

    def _has_room(self, size_bytes: int) -> bool:
        return not self._held_bytes or self._held_bytes + size_bytes <= HELD_BYTES


class RefusedError(Exception):
    """Whoever takes a streamed answer takes no more of it."""


class Relay(Protocol):
    """Takes a streamed answer to its caller."""

    def pass_on(self, chunk: bytes) -> None:
        """Send a chunk, as fast as the caller reads. Raises RefusedError."""

    @property
    def gone(self) -> bool:
        """Whether the caller has gone, which is seen also when there is nothing to send."""


# How an invocation can end.


@dataclass(frozen=True, slots=True)
class Returned:
    """The function returned; `body` is what it returned, as JSON."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Streamed:
    """The function streamed its answer to the end; the relay has all of it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The relay took no more of a streamed answer. The environment has closed it, and lives on."""


@dataclass(frozen=True, slots=True)
class FunctionFailed:
    """The function raised. The environment lives on."""

    payload: bytes

    @property
    def error_type(self) -> str:
        return str(_object(self.payload).get("errorType", "Unknown"))


@dataclass(frozen=True, slots=True)
class EnvironmentLost:
    """The environment's process ended before it had answered: Lambda's `Runtime.ExitError`."""

    status: str


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The function ran longer than its timeout, so its environment was killed."""

    timeout_s: float


@dataclass(frozen=True, slots=True)
class InitFailed:
    """No environment could be started. `message` tells why, with the end of its log."""

    message: str


@dataclass(frozen=True, slots=True)
class Throttled:
    """Every environment stayed busy for as long as a caller waits."""

    waited_s: float


Failure: TypeAlias = FunctionFailed | EnvironmentLost | TimedOut | InitFailed | Throttled
Outcome: TypeAlias = Returned | Streamed | Refused | Failure


def error_payload(error_type: str, message: str) -> bytes:
    """An error as the Runtime API carries it."""
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()


def _object(payload: bytes) -> dict[str, Any]:
    try:
        value = json.loads(payload)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
