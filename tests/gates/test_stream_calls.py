"""Calls on a stream: each under its own deadline, all under a budget that grows with the text."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from penstock.errors import FailureClass, PluginError
from penstock.gates.breaker import OPEN_S, THRESHOLD, Breaker
from penstock.gates.gate import Seat
from penstock.gates.host import Answer, Ran
from penstock.gates.placement import Placement
from penstock.gates.stream_calls import BUDGET_CHARS, Calls
from penstock.sdk import Allow
from penstock.sdk.projection import Projection
from tests.gates.fakes import REQUEST_ID
from tests.gates.streaming import Clock, windowed

NOTHING = Projection({})


@dataclass
class TimedHost:
    """Takes `takes_s` for each call and remembers how long each might have taken."""

    clock: Clock
    takes_s: float = 0.0
    answer: Answer = field(default_factory=lambda: Answer(Allow()))
    seconds: list[float] = field(default_factory=list)

    def call(self, placement: Placement, projection: Projection, request_id: str, seconds: float) -> Answer:
        self.seconds.append(seconds)
        self.clock.now_s += self.takes_s
        return self.answer

    def start(self, placement: Placement, projection: Projection, request_id: str, seconds: float) -> Ran:
        return Ran(self.call(placement, projection, request_id, seconds))

    def begin(self) -> None: ...

    def end(self) -> None: ...

    def rest(self) -> None: ...


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def host(clock: Clock) -> TimedHost:
    return TimedHost(clock)


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


@pytest.fixture
def calls(clock: Clock, host: TimedHost, breaker: Breaker) -> Calls:
    """200 ms for each call, a second for each begun 100,000 characters."""
    seat = Seat(windowed("one", 8, timeout_ms=200), breaker)
    return Calls(seat, host, 1.0, clock, REQUEST_ID)


def failure(calls: Calls, new_chars: int = 0) -> FailureClass:
    with pytest.raises(PluginError) as caught:
        calls.make(NOTHING, new_chars)
    return caught.value.failure


def test_a_call_has_its_own_deadline_or_what_is_left_of_the_budget(calls: Calls, host: TimedHost) -> None:
    host.takes_s = 0.45
    for _ in range(3):
        calls.make(NOTHING, 10)
    assert host.seconds == pytest.approx([0.2, 0.2, 0.1])
    assert calls.count == 3
    assert calls.spent_s == pytest.approx(1.35)


def test_without_budget_there_is_no_call(calls: Calls, host: TimedHost) -> None:
    host.takes_s = 1.0
    calls.make(NOTHING, 10)
    assert failure(calls, 10) is FailureClass.TIMEOUT
    assert calls.count == 1


def test_each_begun_length_brings_a_budget(calls: Calls, host: TimedHost) -> None:
    host.takes_s = 1.0
    calls.make(NOTHING, BUDGET_CHARS)
    assert failure(calls) is FailureClass.TIMEOUT
    calls.make(NOTHING, 1)
    assert failure(calls) is FailureClass.TIMEOUT
    assert failure(calls, BUDGET_CHARS - 1) is FailureClass.TIMEOUT
    calls.make(NOTHING, 1)


def test_time_between_calls_costs_nothing(calls: Calls, host: TimedHost, clock: Clock) -> None:
    calls.make(NOTHING, 1)
    clock.now_s += 3600
    calls.make(NOTHING, 1)
    assert host.seconds == [0.2, 0.2]
    assert calls.spent_s == 0


def test_all_of_a_long_text_again_may_take_as_often_its_deadline(calls: Calls, host: TimedHost) -> None:
    calls.make(NOTHING, 1)
    calls.recall(NOTHING)
    calls.make(NOTHING, 2 * BUDGET_CHARS)
    calls.recall(NOTHING)
    assert host.seconds == pytest.approx([0.2, 0.2, 0.2, 0.6])


def test_what_takes_time_and_crashes_is_counted_too(calls: Calls, host: TimedHost) -> None:
    host.takes_s = 0.5
    host.answer = Answer(failure=PluginError(FailureClass.EXCEPTION, ""))
    assert failure(calls) is FailureClass.EXCEPTION
    assert (calls.count, calls.spent_s) == (1, 0.5)


@pytest.mark.parametrize("answer", [Answer(), Answer(Allow(), refused=("identity",))])
def test_what_was_asked_for_without_a_grant_breaks_the_contract(
    calls: Calls, host: TimedHost, answer: Answer
) -> None:
    host.answer = answer
    assert failure(calls) is FailureClass.CONTRACT
    assert tuple(calls.refused) == answer.refused


def test_it_is_remembered_that_something_was_recorded(calls: Calls, host: TimedHost) -> None:
    host.answer = Answer(Allow(), recorded={"found": 1})
    calls.make(NOTHING, 1)
    host.answer = Answer(Allow(), recorded={})
    calls.make(NOTHING, 1)
    assert calls.has_recorded


def test_the_breaker_counts_as_for_unary_answers_and_an_open_one_lets_no_call_through(
    calls: Calls, host: TimedHost, breaker: Breaker, clock: Clock
) -> None:
    host.answer = Answer(failure=PluginError(FailureClass.IMPORT, ""))
    for _ in range(THRESHOLD):
        assert failure(calls) is FailureClass.IMPORT
    assert failure(calls) is FailureClass.CIRCUIT_OPEN
    assert calls.count == THRESHOLD
    clock.now_s += OPEN_S
    host.answer = Answer(Allow())
    calls.make(NOTHING, 1)
    assert breaker.admits()
    host.answer = Answer(failure=PluginError(FailureClass.IMPORT, ""))
    assert failure(calls) is FailureClass.IMPORT
    assert breaker.admits()
