"""Five in functions of their own are under way at once, and a row of which one fails is no row."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from bench import side_by_side, waiting_function
from bench.probes import watching
from bench.report import markdown
from bench.side_by_side import ALL, NONE, PATTERN, SLOWEST, WAITS_MS
from penstock.dev.invocation import Outcome, Returned
from penstock.dev.lambda_api import LambdaApi
from penstock.gates.host import Answer
from penstock.gates.hosted_answer import encode_answer
from penstock.gates.hosted_call import encode_call
from penstock.sdk import Allow
from penstock.sdk.projection import Projection, TextValues

Function = Callable[[bytes], Outcome]
REQUEST_ID = "01a2027b-d681-7030-b030-303030303031"


@contextmanager
def serving(functions: Mapping[str, Function]) -> Iterator[str]:
    api = LambdaApi({PATTERN.format(plugin=name): function for name, function in functions.items()})
    api.start()
    yield api.url
    api.stop()


def meeting(name: str, barrier: threading.Barrier) -> Function:
    """Answers when as many as the barrier counts are under way at once; else it breaks."""

    def answer(event: bytes) -> Outcome:
        barrier.wait(20)
        allowed = Answer(Allow(), recorded={"chars": 1})
        return Returned(
            json.dumps(encode_answer(watching(name), json.loads(event)["request_id"], allowed)).encode()
        )

    return answer


@pytest.mark.loopback
def test_five_independent_ones_are_all_under_way_before_any_of_them_has_answered() -> None:
    barrier = threading.Barrier(len(WAITS_MS))
    with serving({name: meeting(name, barrier) for name in WAITS_MS}) as url:
        side_by_side.request(url, list(WAITS_MS))()


@pytest.mark.loopback
def test_a_plugin_that_fails_makes_no_row() -> None:
    with serving({}) as url, pytest.raises(RuntimeError, match="did not do their work"):
        side_by_side.request(url, [SLOWEST])()


def test_the_function_reads_the_call_waits_and_leaves_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(waiting_function.NAME, SLOWEST)
    monkeypatch.setenv(waiting_function.WAIT_MS, "1")
    placement = watching(SLOWEST)
    seen = Projection({name: TextValues(("hello",)) for name in placement.reads})
    (terms,) = waiting_function.TERMS.values()
    call = encode_call(placement, terms, seen, REQUEST_ID, 5.0)
    answer = waiting_function.handler(json.loads(call), None)
    assert (answer["failure"], answer["recorded"]) == (None, {"chars": 15})


def test_the_ratio_is_of_all_to_the_slowest_and_the_row_can_stand_alone() -> None:
    found = {NONE: 1.0, **{name: float(wait) for name, wait in WAITS_MS.items()}, ALL: 110.0}
    assert side_by_side.ratio(found) == 1.1
    machine = {"system": "x", "cores": 2, "python": "3.11", "load": 1.0}
    row = {"load": 2.0, **found, "ratio": 1.1}
    text = markdown({"commit": "c", "date": "d", "machine": machine, "side_by_side": row})
    assert "| all side by side | ratio |" in text
    assert "| 110.0 | 1.1 |" in text
