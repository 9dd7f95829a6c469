"""Hostile in-process plugins: each changes nothing but its own record and, by policy, the outcome."""

from __future__ import annotations

import contextlib
import re
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from penstock.errors import FailureClass, PluginError
from penstock.gates.deadline import Deadlines
from penstock.gates.gate import Gate, GateResult
from penstock.gates.host import InProcessHost
from penstock.gates.overrides import Overrides
from penstock.sdk import (
    Allow,
    Block,
    Context,
    Decision,
    MemberEdit,
    Plugin,
    Request,
    Respond,
    SpanEdit,
    Transform,
)
from penstock.sdk.edits import Replace, TextEdit
from penstock.sdk.projection import Projection
from tests.gates.fakes import SYSTEM, USER, exchange_of, loaded, placement_of, request_of, run_one, user_texts

Answer = Callable[[Request, Context], Any]


class Hostile(Plugin):
    """Does what it was made with."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        return self.answer(request, ctx)  # type: ignore[no-any-return]  # rubbish is the point


class Evil(str):
    """A string that says yes to everything."""

    __slots__ = ()

    def __eq__(self, _: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash("reason")


class Impostor(Block):
    """A decision of another kind."""


class Twice:
    """Shows one thing when it is checked; unpacked again, it takes its time and says something else."""

    def __init__(self, *items: Any) -> None:
        self._items: Any = items
        self._shown = False

    def __iter__(self) -> Any:
        if self._shown:
            raise KeyboardInterrupt
        self._shown = True
        return iter(self._items)


class Faceless(BaseException):
    """Does not even let itself be asked what it is."""

    @property  # type: ignore[misc]  # rubbish is the point
    def __class__(self) -> Any:
        raise KeyboardInterrupt


def raise_faceless(_request: Request, _: Context) -> Decision:
    raise Faceless


def swallow_refusal(request: Request, _: Context) -> Decision:
    with contextlib.suppress(Exception):
        list(request.messages.system)
    return Allow()


def undeclared_record(_: Request, ctx: Context) -> Decision:
    with contextlib.suppress(Exception):
        ctx.record("secret", 1)
    return Allow()


def loop(_: Request, __: Context) -> Decision:
    while True:
        pass


def backtrack(_: Request, __: Context) -> Decision:
    re.match(r"(a+)+$", "a" * 60 + "!")
    return Allow()


def sleep(_: Request, __: Context) -> Decision:
    time.sleep(60)
    return Allow()


def sleep_again(_: Request, __: Context) -> Decision:
    try:
        time.sleep(60)
    except BaseException:  # noqa: BLE001 - swallows the first signal, not the second
        time.sleep(60)
    return Allow()


def raise_exit(_: Request, __: Context) -> Decision:
    raise SystemExit(3)


def claim_throttled(_: Request, __: Context) -> Decision:
    raise PluginError(FailureClass.THROTTLED, "my prompt says hello")


def write_other_text(_: Request, __: Context) -> Decision:
    return Transform(TextEdit(USER, ((9, "x"),)))


BREACHES: dict[str, Answer] = {
    "asks for an ungranted field": lambda r, _: Block("reason") if r.messages.system else Allow(),
    "asks for it and hides that": swallow_refusal,
    "edits an ungranted field": lambda _, __: Transform(TextEdit(SYSTEM, ((0, "x"),))),
    "edits a text that is not there": write_other_text,
    "edits overlapping spans": lambda _, __: Transform(
        SpanEdit(USER, ((0, (Replace(0, 3, "a"), Replace(1, 2, "b"))),))
    ),
    "edits with a number": lambda _, __: Transform(TextEdit(USER, ((0, 7),))),  # type: ignore[arg-type]  # rubbish is the point
    "edits with half a character": lambda _, __: Transform(TextEdit(USER, ((0, "\ud800"),))),
    "edits as no view would": lambda _, __: Transform(SpanEdit(USER, 5)),  # type: ignore[arg-type]  # rubbish is the point
    "edits with spans that unpack otherwise the second time": lambda _, __: Transform(
        SpanEdit(USER, ((0, (Twice(0, 1, "x"),)),))  # type: ignore[arg-type]  # rubbish is the point
    ),
    "edits with pairs that unpack otherwise the second time": lambda _, __: Transform(
        SpanEdit(USER, (Twice(0, (Replace(0, 1, "x"),)),))  # type: ignore[arg-type]  # same
    ),
    "sets texts that unpack otherwise the second time": lambda _, __: Transform(
        TextEdit(USER, (Twice(0, "x"),))  # type: ignore[arg-type]  # same
    ),
    "edits beyond the bound": lambda _, __: Transform(TextEdit(USER, ((0, "x" * 5_000_000),))),
    "writes a header it was not granted": lambda _, __: Transform(
        MemberEdit("request.headers.authorization", "authorization", "x")
    ),
    "gives an undeclared reason": lambda _, __: Block("other"),
    "gives a reason that equals all": lambda _, __: Block(Evil("anything")),
    "returns a subclass": lambda _, __: Impostor("reason"),
    "returns rubbish": lambda _, __: "allow",
    "returns nothing": lambda _, __: None,
    "responds without a text": lambda _, __: Respond(7),  # type: ignore[arg-type]  # rubbish is the point
    "records what it did not declare": undeclared_record,
}


@pytest.mark.parametrize("answer", BREACHES.values(), ids=BREACHES.keys())
def test_a_breach_of_contract_is_recorded_and_changes_nothing(answer: Answer) -> None:
    result, texts = _run(answer)
    assert (result.records[0].action, result.records[0].failure) == ("fail", "contract")
    assert texts == ("hello",)
    assert result.denial is not None
    assert result.denial.code == "plugin_unavailable"
    assert result.records[0].changed == []


@pytest.mark.parametrize("answer", [raise_exit, claim_throttled, raise_faceless])
def test_whatever_is_raised_counts_as_an_exception_and_its_words_go_nowhere(answer: Answer) -> None:
    result, _ = _run(answer)
    assert result.records[0].failure == "exception"
    assert "hello" not in repr(result)


@pytest.mark.parametrize("answer", [loop, backtrack, sleep, sleep_again])
def test_a_plugin_past_its_deadline_is_interrupted(answer: Answer) -> None:
    started = time.monotonic()
    result, texts = _run(answer, timeout_ms=100)
    # Against the minute that it would take; `make bench` measures the real figure.
    assert time.monotonic() - started < 10
    assert (result.records[0].action, result.records[0].failure) == ("fail", "timeout")
    assert texts == ("hello",)


class Watched(Deadlines):
    """Counts how often the timers rest."""

    def __init__(self) -> None:
        super().__init__(None)
        self.rested = 0

    def rest(self) -> None:
        self.rested += 1
        super().rest()


@pytest.mark.parametrize(
    ("decision", "rests"), [(Allow(), 0), (Block("reason"), 1), (Transform(), 1), (None, 1)]
)
def test_no_plugins_timer_runs_while_the_engine_does_what_was_decided(decision: Any, rests: int) -> None:
    deadlines = Watched()
    host = InProcessHost({"guard": loaded(Hostile(lambda _, __: decision))}, deadlines)
    host.begin()
    deadlines.rested = 0
    host.call(placement_of("guard"), Projection({}), "request-1", 10.0)
    assert deadlines.rested == rests
    host.end()


def test_an_ungranted_field_that_was_asked_for_is_named_in_the_record() -> None:
    result, _ = _run(swallow_refusal)
    assert result.records[0].refused == [SYSTEM]


def test_a_view_cannot_be_used_to_change_the_original() -> None:
    def tamper(request: Request, _: Context) -> Decision:
        request.identity["team"] = "root"  # type: ignore[index]  # what a hostile plugin tries
        return Allow()

    exchange = exchange_of(request_of("hello"))
    result, exchange = run_one(Hostile(tamper), exchange, reads=(USER, "identity"))
    assert result.records[0].failure == "exception"
    assert "team" not in exchange.identity


def _run(answer: Answer, **placement: Any) -> tuple[GateResult, tuple[str, ...]]:
    exchange = exchange_of(request_of("hello"))
    result, exchange = run_one(Hostile(answer), exchange, **placement)
    return result, user_texts(exchange)


class Alarm:
    """A hard timer that ends nothing and counts how often it is set."""

    def __init__(self) -> None:
        self.is_on = False
        self.armed = 0

    def arm(self, seconds: float) -> None:
        self.is_on = True
        self.armed += 1

    def disarm(self) -> None:
        self.is_on = False


@pytest.mark.parametrize(
    ("answers", "armed"),
    [
        ([Allow()] * 5, 1),
        ([Allow(), Transform(TextEdit(USER, ((0, "x"),))), Allow(), Allow()], 2),
        ([Allow(), Block("reason"), Allow()], 1),
        ([Allow(), None, Allow()], 1),
        ([], 0),
    ],
)
def test_a_gate_sets_the_watchdog_as_seldom_as_it_can_and_leaves_none_behind(
    answers: list[Any], armed: int
) -> None:
    alarm = Alarm()
    plugins = {
        f"guard-{number}": Hostile(lambda _, __, answer=answer: answer)  # type: ignore[misc]  # bound per round
        for number, answer in enumerate(answers)
    }
    host = InProcessHost({name: loaded(plugin) for name, plugin in plugins.items()}, Deadlines(alarm))
    gate = Gate(
        "before_upstream", [placement_of(name) for name in plugins], {"in_process": host}, budget_ms=60_000
    )
    gate.run(exchange_of(request_of("hello")), Overrides())
    assert (alarm.is_on, alarm.armed) == (False, armed)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
