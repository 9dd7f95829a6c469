"""One invocation of a function: what goes in, the parts that come back, and how it can end."""

from __future__ import annotations

import json
import queue
from dataclasses import dataclass, field
from typing import Any, TypeAlias


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


@dataclass(slots=True)
class Exchange:
    """An invocation under way. The Runtime API puts parts in, whoever invoked takes them out."""

    invocation: Invocation
    _parts: queue.SimpleQueue[Part] = field(default_factory=queue.SimpleQueue)

    def put(self, part: Part) -> None:
        self._parts.put(part)

    def take(self, timeout_s: float) -> Part | None:
        """The next part; `None` when the time was up first."""
        try:
            return self._parts.get(timeout=max(timeout_s, 0.0))
        except queue.Empty:
            return None


# How an invocation can end.


@dataclass(frozen=True, slots=True)
class Returned:
    """The function returned; `body` is what it returned, as JSON."""

    body: bytes


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
Outcome: TypeAlias = Returned | Failure


def error_payload(error_type: str, message: str) -> bytes:
    """An error as the Runtime API carries it."""
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()


def _object(payload: bytes) -> dict[str, Any]:
    try:
        value = json.loads(payload)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
