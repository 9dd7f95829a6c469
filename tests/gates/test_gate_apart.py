"""Independent placements in functions of their own: side by side, beside the upstream, one record each."""

from __future__ import annotations

import json
import time
from concurrent.futures import Future
from threading import Timer
from typing import Any

import pytest

from penstock.adapters.functions import Flight
from penstock.errors import FailureClass, PluginError
from penstock.gates.deadline import Deadlines
from penstock.gates.exchange import Exchange
from penstock.gates.function_host import FunctionHost
from penstock.gates.gate import Gate
from penstock.gates.host import Answer, InProcessHost
from penstock.gates.hosted_answer import encode_answer
from penstock.gates.overrides import Overrides
from penstock.gates.placement import Placement, in_order
from penstock.sdk import Allow, Block, Context, Decision, Plugin, Request, Transform
from penstock.sdk.decisions import Decision as AnyDecision
from tests.gates.fakes import (
    REQUEST_ID,
    TEXT,
    FakeContent,
    Says,
    exchange_of,
    loaded,
    placement_of,
    request_of,
)
from tests.gates.hosted import HOSTED, RECEIVER, gate_over


class Pending:
    """Functions that answer when a test says so."""

    def __init__(self) -> None:
        self.called: dict[str, tuple[dict[str, Any], Future[bytes]]] = {}

    def invoke(self, plugin: str, payload: bytes) -> Flight:
        future: Future[bytes] = Future()
        self.called[plugin] = json.loads(payload), future
        return Flight(future, time.monotonic)

    def text(self, plugin: str) -> str:
        """The first text that the function was sent."""
        (texts,) = self.called[plugin][0]["texts"].values()
        return str(texts[0])

    def answer(self, placement: Placement, decision: AnyDecision | None = None, **more: Any) -> None:
        answer = Answer(decision or Allow(), **more)
        raw = json.dumps(encode_answer(placement, REQUEST_ID, answer)).encode()
        self.called[placement.plugin][1].set_result(raw)

    def fail(self, placement: Placement, failure: FailureClass) -> None:
        self.called[placement.plugin][1].set_exception(PluginError(failure, "no"))


def watcher(name: str, moment: Any = "before_upstream", **more: Any) -> Placement:
    return placement_of(name, moment, host="function", effects=("record",), **more)


def gate(
    functions: Any, *placements: Placement, inside: dict[str, Plugin] | None = None, **more: Any
) -> Gate:
    known = {name: loaded(plugin) for name, plugin in (inside or {}).items()}
    host = FunctionHost(functions, {placement.plugin: HOSTED for placement in placements})
    hosts: Any = {"in_process": InProcessHost(known, Deadlines(None)), "function": host}
    return Gate(placements[0].moment, in_order(list(placements)), hosts, **{"budget_ms": 5_000, **more})


def upper(request: Request, _: Context) -> Decision:
    return Transform(request.messages.user.map(str.upper))


def test_they_are_started_on_what_the_ordered_ones_left_and_the_gate_goes_on_without_them() -> None:
    functions, (a, b) = Pending(), (watcher("a"), watcher("b"))
    first = placement_of("first", effects=("transform",))
    exchange = exchange_of(request_of("hi"))
    result = gate(functions, a, b, first, inside={"first": Says(upper)}).run(
        exchange, Overrides(), joined=False
    )
    assert (functions.text("a"), functions.text("b")) == ("HI", "HI")
    assert [record.plugin for record in result.records] == ["first", "a", "b"]
    functions.answer(b, recorded={"found": 2})
    functions.answer(a)
    result.join()
    assert [(r.plugin, r.action, r.recorded) for r in result.records] == [
        ("first", "transform", {}),
        ("a", "allow", {}),
        ("b", "record", {"found": 2}),
    ]
    assert all(record.saw is not None and record.calls == 1 for record in result.records)
    result.join()  # there is nothing more to wait for


def test_side_by_side_they_take_as_long_as_the_slowest() -> None:
    asleep_s, names = 0.15, ("a", "b", "c", "d")
    placements = [watcher(name) for name in names]
    by_name = {placement.plugin: placement for placement in placements}

    class Slow(Pending):
        def invoke(self, plugin: str, payload: bytes) -> Flight:
            flight = super().invoke(plugin, payload)
            Timer(asleep_s, self.answer, (by_name[plugin],)).start()
            return flight

    result = gate(Slow(), *placements).run(exchange_of(), Overrides())
    assert [record.action for record in result.records] == ["allow"] * 4
    assert all(record.ms >= asleep_s * 900 for record in result.records)
    assert result.ms < sum(record.ms for record in result.records) * 0.75


@pytest.mark.parametrize("failure", [FailureClass.THROTTLED, FailureClass.EXCEPTION])
def test_one_that_fails_is_recorded_and_stops_nobody(failure: FailureClass) -> None:
    functions, (a, b) = Pending(), (watcher("a"), watcher("b"))
    result = gate(functions, a, b).run(exchange_of(), Overrides(), joined=False)
    functions.fail(a, failure)
    functions.answer(b)
    result.join()
    assert [(r.action, r.failure) for r in result.records] == [("fail", failure), ("allow", None)]
    assert result.denial is None


def test_one_that_does_not_answer_is_given_up_at_its_own_deadline() -> None:
    functions, slow = Pending(), watcher("slow", timeout_ms=30)
    result = gate(functions, slow).run(exchange_of(), Overrides())
    assert (result.records[0].action, result.records[0].failure) == ("fail", "timeout")
    assert 25 <= result.records[0].ms < 2_000


def test_one_that_decides_what_it_may_not_is_recorded_as_a_breach_and_changes_nothing() -> None:
    functions, one = Pending(), watcher("one")
    result = gate(functions, one).run(exchange_of(), Overrides(), joined=False)
    functions.answer(one, Block("reason"))
    result.join()
    assert (result.records[0].failure, result.denial) == ("contract", None)


def test_after_a_block_none_of_them_is_called() -> None:
    functions, one = Pending(), watcher("one")
    guard = Says(lambda _, __: Block("reason"))
    result = gate(functions, one, placement_of("guard"), inside={"guard": guard}).run(
        exchange_of(), Overrides()
    )
    assert [(r.plugin, r.reason) for r in result.records] == [("guard", "reason"), ("one", "after_block")]
    assert functions.called == {}


def test_who_reads_decisions_at_the_next_gate_finds_theirs_there() -> None:
    functions, one = Pending(), watcher("one")
    exchange = exchange_of()
    gate(functions, one).run(exchange, Overrides(), joined=False)
    assert exchange.decisions == []
    functions.answer(one, recorded={"found": 1})
    assert _decisions_seen(exchange) == [{"plugin": "one", "action": "record", "reason": None}]


def test_nobody_waits_at_the_next_gate_for_those_whose_decisions_nobody_reads() -> None:
    functions, one = Pending(), watcher("one", timeout_ms=60_000)
    exchange = exchange_of()
    before = gate(functions, one, budget_ms=60_000).run(exchange, Overrides(), joined=False)
    exchange.response = FakeContent({TEXT: ("hi",)})
    after = gate_over({"two": Says(lambda _, __: Allow())}, placement_of("two", "after_upstream"))
    assert after.run(exchange, Overrides()).ms < 5_000
    functions.answer(one)
    before.join()
    assert before.records[0].action == "allow"


def _decisions_seen(exchange: Exchange) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []

    def look(response: Any, _: Context) -> Decision:
        seen.extend(dict(each) for each in response.request.decisions)
        return Allow()

    exchange.response = FakeContent({TEXT: ("hi",)})
    reader = placement_of("reader", "after_upstream", reads=(TEXT, "decisions"))
    gate_over({"reader": Says(look)}, reader).run(exchange, Overrides())
    return seen


def test_what_left_for_a_granted_host_stands_in_the_record_with_its_receipt_digested() -> None:
    def sends(_: Request, ctx: Context) -> Decision:
        ctx.http.post(
            f"https://{RECEIVER.removesuffix(':443')}/in", content=ctx.secret("token").get_secret_value()
        )
        return Allow()

    placement = placement_of("one", host="function", effects=("emit", "record"))
    exchange = exchange_of()
    (record,) = gate_over({"one": Says(sends)}, placement).run(exchange, Overrides()).records
    assert (record.action, record.failure) == ("emit", None)
    (delivery,) = record.deliveries
    digest = exchange.digester.text("deliveries.delivery_id", "theirs-1")
    assert (delivery.host, delivery.status, delivery.delivery_id) == (RECEIVER, 202, digest)


def test_without_the_effect_no_host_is_reached_from_there() -> None:
    def sends(_: Request, ctx: Context) -> Decision:
        ctx.http.post(f"https://{RECEIVER}/in")
        return Allow()

    placement = placement_of("one", host="function", effects=("record",))
    (record,) = gate_over({"one": Says(sends)}, placement).run(exchange_of(), Overrides()).records
    assert (record.failure, record.refused, record.deliveries) == ("contract", ["hosts"], [])


def test_a_fault_of_ours_while_one_is_waited_for_is_its_failure_and_the_others_are_waited_for() -> None:
    class Broken(Pending):
        def invoke(self, plugin: str, payload: bytes) -> Any:
            flight = super().invoke(plugin, payload)
            return _Raising() if plugin == "a" else flight

    class _Raising:
        ended = None

        def result(self, _: float) -> bytes:
            raise KeyError("my prompt says hello")

    functions, b = Broken(), watcher("b")
    result = gate(functions, watcher("a"), b).run(exchange_of(), Overrides(), joined=False)
    functions.answer(b)
    result.join()
    assert [(r.plugin, r.failure) for r in result.records] == [("a", "exception"), ("b", None)]


@pytest.mark.parametrize("host", ["in_process", "function"])
def test_timers_of_plugins_in_this_process_rest_while_a_function_is_waited_for(host: Any) -> None:
    resting: list[str] = []

    class Noted(InProcessHost):
        def rest(self) -> None:
            resting.append("rest")

    one = placement_of("one", host=host)
    functions = Pending()
    hosts: Any = {
        "in_process": Noted({"one": loaded(Says(lambda _, __: Allow()))}, Deadlines(None)),
        "function": FunctionHost(functions, {"one": HOSTED}),
    }
    Gate("before_upstream", [one], hosts, budget_ms=50).run(exchange_of(), Overrides())
    assert bool(resting) == (host == "function")
