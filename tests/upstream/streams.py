"""An upstream's stream in memory, which plays what it is told, in a time that nobody waits for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from penstock.errors import UpstreamError, UpstreamTimeoutError
from penstock.upstream.failures import cut
from penstock.upstream.stream import EVENT_STREAM

# bytes: a piece. A number: so many seconds of silence, `SILENCE` for ever. An error: it is raised. Anything
# that can be called is called, between two pieces.
Step: TypeAlias = bytes | float | UpstreamError | Callable[[], None]
SILENCE = float("inf")


class FakeStream:
    """An `UpstreamStream` that plays `steps`, then ends cleanly. `pass_time` is told of silences."""

    def __init__(
        self,
        *steps: Step,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        pass_time: Callable[[float], None] = lambda _: None,
    ) -> None:
        self.status = status
        self.headers: Mapping[str, str] = {"content-type": EVENT_STREAM} if headers is None else headers
        self.ms = 5.0
        self.waits: list[float | None] = []
        self.closed = self.cancelled = False
        self._steps = list(steps)
        self._pass_time = pass_time

    @property
    def is_event_stream(self) -> bool:
        return self.headers.get("content-type", "").startswith(EVENT_STREAM)

    @property
    def ended(self) -> bool:
        """Whether all of it was read."""
        return not self._steps

    def read(self, wait_s: float | None = None) -> bytes | None:
        self.waits.append(wait_s)
        while True:
            if self.cancelled or self.closed:
                raise cut()
            step = self._steps.pop(0) if self._steps else b""
            if isinstance(step, bytes):
                return step
            if isinstance(step, UpstreamError):
                raise step
            if callable(step):
                step()
            elif self._is_silent(step, wait_s):
                return None

    def body(self) -> bytes:
        return b"".join(iter(self.read, b""))  # type: ignore[arg-type]  # without `wait_s` it is never None

    def cancel(self) -> None:
        self.cancelled = True

    def close(self) -> None:
        self.closed = True

    def _is_silent(self, seconds: float, wait_s: float | None) -> bool:
        """Let the silence pass, or as much of it as is waited for: then the rest stays."""
        if wait_s is None and seconds == SILENCE:
            raise UpstreamTimeoutError("The fake upstream says nothing more.")
        if wait_s is None or seconds <= wait_s:
            self._pass_time(seconds)
            return False
        self._pass_time(wait_s)
        self._steps.insert(0, seconds - wait_s)
        return True
