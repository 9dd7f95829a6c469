from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from penstock.dev.environments import Function
from penstock.dev.invocation import (
    EnvironmentLost,
    InitFailed,
    Invocation,
    Outcome,
    Relay,
    Returned,
    Throttled,
)
from penstock.dev.pool import Pool
from penstock.errors import ConfigurationError
from tests.dev.conftest import MakePool


class FakeEnvironment:
    """Answers with its number, one caller at a time. `gate` holds answers, `problem` prevents starts."""

    def __init__(self, number: int, gate: threading.Event, problem: str | None, dies: bool) -> None:
        self.number = number
        self._gate = gate
        self._problem = problem
        self._dies = dies
        self._busy = threading.Lock()
        self.alive = True
        self.arns: list[str] = []

    def start(self, on_loss: Callable[[], None] | None = None) -> str | None:
        return self._problem

    def invoke(self, invocation: Invocation, relay: Relay | None = None) -> Outcome:
        assert self._busy.acquire(blocking=False), "two callers in one environment"
        self.arns.append(invocation.function_arn)
        self._gate.wait(30)
        self._busy.release()
        if self._dies:
            self.alive = False
            return EnvironmentLost("exit status 1")
        return Returned(str(self.number).encode())

    def stop(self) -> None:
        self.alive = False


class Maker:
    """Makes fake environments and counts them."""

    def __init__(self, *, problem: str | None = None, dies: bool = False, held: bool = False) -> None:
        self.made: list[FakeEnvironment] = []
        self.gate = threading.Event()
        self.problem = problem
        self._dies = dies
        if not held:
            self.gate.set()

    def __call__(self) -> FakeEnvironment:
        self.made.append(FakeEnvironment(len(self.made), self.gate, self.problem, self._dies))
        return self.made[-1]


def pool_of(
    maker: Maker, *, warm: int = 1, maximum: int = 4, wait_s: float = 30.0, reclaim_after_s: float = 60.0
) -> Pool:
    function = Function(name="f", handler="m.h", warm=warm, maximum=maximum)
    pool = Pool(function, maker, wait_s=wait_s, reclaim_after_s=reclaim_after_s)
    pool.warm_up()
    return pool


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether something comes to hold within half a minute."""
    give_up_at = time.monotonic() + 30
    while not holds() and time.monotonic() < give_up_at:
        time.sleep(0.005)
    return holds()


def test_a_quiet_pool_needs_no_second_environment() -> None:
    maker = Maker()
    pool = pool_of(maker, warm=1)
    assert [pool.invoke(b"{}") for _ in range(5)] == [Returned(b"0")] * 5
    assert len(maker.made) == 1


def test_a_function_is_told_by_which_alias_it_was_invoked() -> None:
    maker = Maker()
    pool = pool_of(maker, warm=1)
    pool.invoke(b"{}")
    pool.invoke(b"{}", alias="one")
    assert maker.made[0].arns == [pool.function.arn, f"{pool.function.arn}:one"]


def test_concurrent_callers_get_environments_of_their_own_up_to_the_maximum() -> None:
    maker = Maker(held=True)
    pool = pool_of(maker, warm=1, maximum=4)
    with ThreadPoolExecutor(50) as callers:
        answers = [callers.submit(pool.invoke, b"{}") for _ in range(50)]
        assert eventually(lambda: len(maker.made) == 4)
        maker.gate.set()
        assert all(isinstance(answer.result(), Returned) for answer in answers)
    assert len(maker.made) == 4


def test_a_caller_who_finds_no_free_environment_in_time_is_refused() -> None:
    maker = Maker(held=True)
    pool = pool_of(maker, warm=1, maximum=1, wait_s=0.05)
    with ThreadPoolExecutor(1) as callers:
        first = callers.submit(pool.invoke, b"{}")
        assert eventually(maker.made[0]._busy.locked)
        assert pool.invoke(b"{}") == Throttled(0.05)
        maker.gate.set()
        assert first.result() == Returned(b"0")


def test_a_lost_environment_is_replaced() -> None:
    maker = Maker(dies=True)
    pool = pool_of(maker, warm=1, maximum=2)
    assert pool.invoke(b"{}") == EnvironmentLost("exit status 1")
    assert eventually(lambda: len(maker.made) == 2)


def test_a_pool_whose_environments_cannot_start_says_why() -> None:
    with pytest.raises(ConfigurationError, match="the disk is full"):
        pool_of(Maker(problem="the disk is full"), warm=2)


def test_a_caller_is_told_when_no_environment_can_start_and_the_next_tries_again() -> None:
    maker = Maker(problem="the disk is full")
    pool = pool_of(maker, warm=0)
    assert pool.invoke(b"{}") == InitFailed("the disk is full")
    maker.problem = None
    assert isinstance(pool.invoke(b"{}"), Returned)


def test_a_closed_pool_refuses_who_waits_and_ends_its_environments() -> None:
    maker = Maker(held=True)
    pool = pool_of(maker, warm=1, maximum=1)
    with ThreadPoolExecutor(2) as callers:
        answers = [callers.submit(pool.invoke, b"{}") for _ in range(2)]
        assert eventually(lambda: pool._now.waiting == 1)
        pool.close()
        maker.gate.set()
        assert {type(answer.result()) for answer in answers} == {Returned, Throttled}
    assert not maker.made[0].alive


class StartingEnvironment(FakeEnvironment):
    """Is about to start until it is stopped."""

    def start(self, on_loss: Callable[[], None] | None = None) -> str | None:
        assert self._gate.wait(30)
        self.ended = True
        return "it was stopped"

    def stop(self) -> None:
        super().stop()
        self._gate.set()


def test_a_closed_pool_leaves_nothing_behind_that_was_about_to_start() -> None:
    environment = StartingEnvironment(0, threading.Event(), None, dies=False)
    pool = Pool(Function(name="f", handler="m.h", warm=0), lambda: environment, wait_s=30.0)
    with ThreadPoolExecutor(1) as callers:
        answer = callers.submit(pool.invoke, b"{}")
        assert eventually(lambda: environment in pool._now.starting)
        pool.close()
        assert environment.ended
        assert isinstance(answer.result(), Throttled | InitFailed)


def test_what_a_rush_needed_is_reclaimed_after_a_while_down_to_the_warm_ones() -> None:
    maker = Maker(held=True)
    pool = pool_of(maker, warm=1, maximum=4, reclaim_after_s=0.2)
    with ThreadPoolExecutor(4) as callers:
        answers = [callers.submit(pool.invoke, b"{}") for _ in range(4)]
        assert eventually(lambda: len(pool._now.busy) == 4)
        maker.gate.set()
        assert all(isinstance(answer.result(), Returned) for answer in answers)
    assert eventually(lambda: sum(environment.alive for environment in maker.made) == 1)
    assert isinstance(pool.invoke(b"{}"), Returned)
    assert len(maker.made) == 4
    pool.close()


def test_what_is_used_again_and_again_is_not_reclaimed() -> None:
    maker = Maker()
    pool = pool_of(maker, warm=0, maximum=1, reclaim_after_s=0.3)
    for _ in range(20):
        assert pool.invoke(b"{}") == Returned(b"0")
        time.sleep(0.05)
    assert eventually(lambda: not maker.made[0].alive)
    pool.close()


def test_fifty_callers_are_served_by_four_processes(make_pool: MakePool) -> None:
    pool = make_pool(warm=1, maximum=4)
    event = json.dumps({"do": "sleep", "seconds": 0.02}).encode()
    with ThreadPoolExecutor(50) as callers:
        outcomes = list(callers.map(lambda _: pool.invoke(event), range(50)))
    bodies = [json.loads(outcome.body) for outcome in outcomes if isinstance(outcome, Returned)]
    assert len(bodies) == 50
    assert len({body["request_id"] for body in bodies}) == 50
    assert 1 < len({body["pid"] for body in bodies}) <= 4


def test_an_idle_environment_that_dies_is_replaced_before_anybody_notices(make_pool: MakePool) -> None:
    pool = make_pool(warm=2, maximum=2)
    assert eventually(lambda: len(pool._now.idle) == 2)
    victim = next(reversed(pool._now.idle))
    victim.stop()
    assert eventually(lambda: victim not in pool._now.idle and len(pool._now.idle) == 2)
    assert isinstance(pool.invoke(b"{}"), Returned)
