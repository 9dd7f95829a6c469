"""A function and its environments: some warm, more on demand, never more than its maximum."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from penstock.dev.environments import Function
from penstock.dev.invocation import InitFailed, Invocation, Outcome, Relay, Throttled
from penstock.errors import ConfigurationError
from penstock.ids import uuid7

# Lambda reclaims what is idle after some minutes; a process is 60 MB here.
RECLAIM_AFTER_S = 120.0
# More at once would only slow each other down on a small machine: a start is nothing but computing.
STARTING_AT_ONCE = 2
# Who is told to stop while it starts does so at once; this is only never to wait for ever.
CLOSE_WITHIN_S = 5.0


class Runnable(Protocol):
    """What a pool needs of an environment."""

    @property
    def alive(self) -> bool: ...
    def start(self, on_loss: Callable[[], None] | None = None, /) -> str | None: ...
    def invoke(self, invocation: Invocation, relay: Relay | None = None, /) -> Outcome: ...
    def stop(self) -> None: ...


@dataclass(slots=True)
class _Population:
    """Who is where; changed under the pool's lock only."""

    idle: dict[Runnable, float] = field(default_factory=dict)
    """Since when, on the monotonic clock; the one that was used last is the last."""
    busy: set[Runnable] = field(default_factory=set)
    starting: set[Runnable] = field(default_factory=set)
    waiting: int = 0
    closed: bool = False
    init_failures: int = 0
    last_problem: str = ""

    @property
    def size(self) -> int:
        return len(self.idle) + len(self.busy) + len(self.starting)


class Pool:
    """Invokes one function, from any number of threads, which wait for an environment in turn.

    Lambda refuses at once what is beyond a function's concurrency. Here a caller first waits for `wait_s`:
    one machine starts environments slowly, and has room for few.
    """

    def __init__(
        self,
        function: Function,
        make_environment: Callable[[], Runnable],
        *,
        wait_s: float = 60.0,
        reclaim_after_s: float = RECLAIM_AFTER_S,
        new_id: Callable[[], str] = uuid7,
    ) -> None:
        self.function = function
        self._make = make_environment
        self._wait_s = wait_s
        self._reclaim_after_s = reclaim_after_s
        self._reclaimer: threading.Timer | None = None
        self._new_id = new_id
        self._now = _Population()
        self._changed = threading.Condition()

    def warm_up(self) -> None:
        """Start the warm environments, and wait until the first can serve.

        Raises:
            ConfigurationError: none could be started; the message ends with the end of the log.
        """
        with self._changed:
            self._start_missing(self.function.warm)
            self._changed.wait_for(lambda: self._now.idle or not self._now.starting)
            if self.function.warm and not self._now.idle:
                raise ConfigurationError("penstock dev", self._now.last_problem)

    def invoke(self, event: bytes, relay: Relay | None = None, *, alias: str = "") -> Outcome:
        """Run one invocation, when an environment is free. A streamed answer goes to `relay`.

        `alias`: by which it was invoked; the function is told it in the ARN.
        """
        environment = self._acquire()
        if not isinstance(environment, Throttled | InitFailed):
            try:
                return environment.invoke(self._invocation(event, alias), relay)
            finally:
                self._give_back(environment)
        return environment

    def close(self) -> None:
        """Kill every environment; who waits for one is refused."""
        with self._changed:
            self._now.closed = True
            environments = [*self._now.idle, *self._now.busy, *self._now.starting]
            self._now.idle.clear()
            if self._reclaimer:
                self._reclaimer.cancel()
            self._changed.notify_all()
        for environment in environments:
            environment.stop()
        with self._changed:
            self._changed.wait_for(lambda: not self._now.starting, CLOSE_WITHIN_S)

    def _invocation(self, event: bytes, alias: str) -> Invocation:
        request_id = self._new_id()
        return Invocation(
            request_id=request_id,
            event=event,
            deadline_ms=int((time.time() + self.function.timeout_s) * 1000),
            function_arn=f"{self.function.arn}:{alias}" if alias else self.function.arn,
            trace_id=f"Root=1-{request_id[:8]}-{request_id.replace('-', '')[8:]};Sampled=0",
        )

    def _acquire(self) -> Runnable | Throttled | InitFailed:
        """An environment of one's own, which may have to be started; or why there is none."""
        give_up_at = time.monotonic() + self._wait_s
        now = self._now
        with self._changed:
            failures_before = now.init_failures
            now.waiting += 1
            try:
                while not (environment := self._take_idle()):
                    if now.init_failures > failures_before and not now.busy:
                        return InitFailed(now.last_problem)
                    self._start_missing(
                        min(now.size - len(now.starting) + now.waiting, self.function.maximum)
                    )
                    left_s = give_up_at - time.monotonic()
                    if now.closed or left_s <= 0 or not self._changed.wait(left_s):
                        return Throttled(self._wait_s)
            finally:
                now.waiting -= 1
            now.busy.add(environment)
            return environment

    def _take_idle(self) -> Runnable | None:
        """The one used last, as Lambda does: the others may be reclaimed."""
        while self._now.idle:
            environment, _ = self._now.idle.popitem()
            if environment.alive:
                return environment
        return None

    def _give_back(self, environment: Runnable) -> None:
        with self._changed:
            self._now.busy.discard(environment)
            if environment.alive and not self._now.closed:
                self._rest(environment)
            else:
                self._start_missing(self.function.warm)
            self._changed.notify()

    def _rest(self, environment: Runnable) -> None:
        """It is idle from now on. With the lock held."""
        now = self._now
        now.idle[environment] = time.monotonic()
        if now.size > self.function.warm and not self._reclaimer:
            self._reclaim_later()

    def _reclaim_later(self) -> None:
        self._reclaimer = threading.Timer(self._reclaim_after_s, self._reclaim)
        self._reclaimer.daemon = True
        self._reclaimer.start()

    def _reclaim(self) -> None:
        """End those that nobody has needed for long, down to the warm ones."""
        now, reclaimed = self._now, []
        idle_before = time.monotonic() - self._reclaim_after_s
        with self._changed:
            self._reclaimer = None
            for environment, since in list(now.idle.items()):
                if since <= idle_before and now.size > self.function.warm:
                    del now.idle[environment]
                    reclaimed.append(environment)
            if now.idle and now.size > self.function.warm:
                self._reclaim_later()
        for environment in reclaimed:
            environment.stop()

    def _start_missing(self, wanted: int) -> None:
        """Begin to start environments up to `wanted`, a few at a time. With the lock held."""
        now = self._now
        while not now.closed and now.size < wanted and len(now.starting) < STARTING_AT_ONCE:
            environment = self._make()
            now.starting.add(environment)
            threading.Thread(target=self._start_one, args=(environment,), name="pool", daemon=True).start()

    def _start_one(self, environment: Runnable) -> None:
        problem = environment.start(self._replace_lost)
        with self._changed:
            now = self._now
            now.starting.discard(environment)
            if problem is not None:
                now.init_failures += 1
                now.last_problem = problem
            elif now.closed:
                problem = "closed"
            else:
                self._rest(environment)
                self._start_missing(self.function.warm)
            self._changed.notify_all()
        if problem is not None:
            environment.stop()

    def _replace_lost(self) -> None:
        """An environment has ended, perhaps an idle one: keep as many warm as there should be."""
        with self._changed:
            for environment in [idle for idle in self._now.idle if not idle.alive]:
                del self._now.idle[environment]
            if self._now.idle or self._now.busy:
                self._start_missing(self.function.warm)
            self._changed.notify()
