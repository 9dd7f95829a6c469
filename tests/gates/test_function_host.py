"""The gateway's side of a call: how it ends, and what each way to fail is called."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pytest

from penstock.adapters.functions import Flight
from penstock.errors import FailureClass, PluginError
from penstock.gates.breaker import COUNTED, THRESHOLD
from penstock.gates.function_host import FunctionHost
from penstock.gates.gate import Gate
from penstock.gates.host import Answer
from penstock.gates.hosted_answer import encode_answer
from penstock.gates.overrides import Overrides
from penstock.gates.placement import Placement
from penstock.sdk import Allow
from penstock.sdk.projection import Projection, TextValues
from tests.gates.fakes import REQUEST_ID, USER, exchange_of, placement_of
from tests.gates.hosted import HOSTED

PLACEMENT = placement_of("guard", host="function")
SEEN = Projection({USER: TextValues(("hello",))})
ALLOWED = json.dumps(encode_answer(PLACEMENT, REQUEST_ID, Answer(Allow(), recorded={"found": 2}))).encode()


@dataclass
class Functions:
    """Remembers what it was asked; each call ends as `end` says, at once or never."""

    end: Callable[[Future[bytes]], None]
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def invoke(self, plugin: str, payload: bytes) -> Flight:
        self.asked.append((plugin, json.loads(payload)))
        future: Future[bytes] = Future()
        flight = Flight(future, time.monotonic)
        self.end(future)
        return flight


def returns(raw: bytes) -> Functions:
    return Functions(lambda future: future.set_result(raw))


def fails(failure: str) -> Functions:
    error = PluginError(FailureClass(failure), "as the adapter says it")
    return Functions(lambda future: future.set_exception(error))


def never() -> Functions:
    return Functions(lambda _: None)


def called(functions: Functions, seconds: float = 1.0, projection: Projection = SEEN) -> Answer:
    return FunctionHost(functions, {"guard": HOSTED}).call(PLACEMENT, projection, REQUEST_ID, seconds)


def gate(functions: Functions, placement: Placement = PLACEMENT) -> Gate:
    host = FunctionHost(functions, {"guard": HOSTED})
    return Gate(placement.moment, [placement], {"function": host}, budget_ms=5_000)


def test_an_answer_is_what_the_function_returned_and_it_is_called_once() -> None:
    functions = returns(ALLOWED)
    answer = called(functions, 0.75)
    assert (answer.checked(), answer.recorded) == (Allow(), {"found": 2})
    ((name, call),) = functions.asked
    assert (name, call["plugin"], call["terms"], call["remaining_ms"]) == ("guard", "guard", "terms-b", 750.0)


def test_the_deadline_is_what_is_left_whatever_the_function_does() -> None:
    before = time.monotonic()
    answer = called(never(), 0.05)
    assert answer.failure is not None
    assert answer.failure.failure == "timeout"
    assert time.monotonic() - before < 2


@pytest.mark.parametrize("failure", ["timeout", "throttled", "denied", "unavailable", "exception", "import"])
def test_each_way_to_fail_is_recorded_as_its_own_class_and_called_once(failure: str) -> None:
    functions = fails(failure)
    result = gate(functions).run(exchange_of(), Overrides())
    assert [(r.action, r.failure, r.host) for r in result.records] == [("fail", failure, "function")]
    assert result.denial is not None
    assert result.denial.code == "plugin_unavailable"
    assert len(functions.asked) == 1


def test_a_bad_answer_is_a_breach_of_contract_and_changes_nothing() -> None:
    exchange = exchange_of()
    result = gate(returns(b"[]")).run(exchange, Overrides())
    assert (result.records[0].action, result.records[0].failure) == ("fail", "contract")
    assert exchange.request.texts(USER).texts == ("hello",)


def test_an_answer_of_good_form_whose_offsets_leave_the_text_is_one_too() -> None:
    tree = json.loads(ALLOWED)
    edit = {"kind": "spans", "field": USER, "spans": [[0, [[2, 99, "x"]]]]}
    tree["decision"] = {"kind": "transform", "edits": [edit]}
    exchange = exchange_of()
    result = gate(returns(json.dumps(tree).encode())).run(exchange, Overrides())
    assert (result.records[0].action, result.records[0].failure) == ("fail", "contract")
    assert exchange.request.texts(USER).texts == ("hello",)


def test_what_is_too_large_for_lambda_is_not_sent() -> None:
    functions = returns(ALLOWED)
    answer = called(functions, projection=Projection({USER: TextValues(("x" * 7_000_000,))}))
    assert answer.failure is not None
    assert (answer.failure.failure, functions.asked) == ("contract", [])


@pytest.mark.parametrize("failure", ["throttled", "unavailable", "import"])
def test_the_circuit_opens_for_what_is_not_the_callers_doing_and_then_nobody_is_called(failure: str) -> None:
    assert FailureClass(failure) in COUNTED
    functions = fails(failure)
    one = gate(functions)
    said = [one.run(exchange_of(), Overrides()).records[0].failure for _ in range(THRESHOLD + 2)]
    assert said == [failure] * THRESHOLD + ["circuit_open"] * 2
    assert len(functions.asked) == THRESHOLD


@pytest.mark.parametrize("failure", ["timeout", "denied", "exception", "contract"])
def test_the_circuit_stays_closed_for_what_one_callers_input_can_cause(failure: str) -> None:
    functions = fails(failure)
    one = gate(functions)
    for _ in range(THRESHOLD + 2):
        one.run(exchange_of(), Overrides())
    assert len(functions.asked) == THRESHOLD + 2
