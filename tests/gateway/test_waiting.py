"""Background plugins without which no answer leaves: every kind of answer, every kind of failure."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from penstock.errors import FailureClass, StorageError, UpstreamError
from penstock.evidence.messages import DeliveryMessage
from penstock.evidence.record import WAITED_FAILED, EvidenceRecord
from penstock.evidence.schema import decode
from penstock.evidence.whereabouts import as_terminal
from penstock.gates.placement import Mode
from penstock.gateway.waiting import RESERVE_S, Waiting
from penstock.sdk import Allow, Block
from tests.dialects.mcp import bodies
from tests.gates.fakes import USER, placement_of
from tests.gateway.mcp_world import McpWorld, code_of, events_of, streamed
from tests.gateway.mcp_world import event as mcp_event
from tests.gateway.streams import (
    After,
)
from tests.gateway.waits import (
    Function,
    Functions,
    about,
    fails,
    placed,
    raises,
    says,
    takes,
    waiting_for,
    with_waiting,
)
from tests.gateway.world import World, error


def test_the_answer_leaves_once_the_plugin_has_taken_what_is_stored() -> None:
    seen: list[int] = []

    def looks(event: dict[str, Any]) -> dict[str, Any]:
        seen.append(len(world.stored))
        return takes(event)

    world, called = waiting_for(looks)
    response = world.chat("hi")
    assert (response.status, seen) == (200, [1])
    (event,) = called.events
    message = decode(DeliveryMessage, event["message"])
    assert message.record == as_terminal(world.record)
    assert message.idempotency_key == f"{world.record.request_id}:export"
    assert (about(world.record).action, about(world.record).path) == ("dispatched", "response")
    assert world.stored[0][1] == ["export"]  # its queue keeps a message all the same


def test_what_the_waiting_took_is_in_the_line_of_metrics() -> None:
    world, _ = waiting_for(lambda event: threading.Event().wait(0.05) or takes(event))
    world.chat("hi")
    (told,) = world.counted
    assert told.timing.gates["after_response"] >= 50
    assert told.timing.total_ms >= world.record.timing.total_ms + 50


FAILURES: dict[str, tuple[Function, str]] = {
    "it raises": (fails(FailureClass.EXCEPTION), "exception"),
    "its receiver is down": (fails(FailureClass.UNAVAILABLE), "unavailable"),
    "it is slow, and says so": (fails(FailureClass.TIMEOUT), "timeout"),
    "it is throttled": (raises(FailureClass.THROTTLED), "throttled"),
    "it may not be called": (raises(FailureClass.DENIED), "denied"),
    "it is not there": (raises(FailureClass.UNAVAILABLE), "unavailable"),
    "it answers nothing": (says(None), "contract"),
    "it answers for another": (says({"plugin": "other"}), "contract"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_no_answer_leaves_without_it_and_an_amendment_says_why(name: str) -> None:
    function, failure = FAILURES[name]
    world, _ = waiting_for(function)
    response = world.chat("hi")
    assert error(response) == (503, "plugin_unavailable")
    assert (b"Hello" in response.body, response.headers["x-should-retry"]) == (False, "false")
    (outcome, _), (amendment, told) = world.stored
    assert (outcome.status, outcome.outcome, about(outcome).action) == (200, "answered", "dispatched")
    assert (amendment.status, amendment.outcome, amendment.code) == (503, "failed", "plugin_unavailable")
    assert (amendment.cause, told) == (WAITED_FAILED, ["export"])  # its queue brings it the OUTCOME as well
    assert (about(amendment).action, about(amendment).failure) == ("fail", failure)
    assert world.counted == [amendment]


@pytest.mark.parametrize("name", FAILURES)
def test_where_failure_is_allowed_the_answer_leaves_and_an_amendment_says_so_too(name: str) -> None:
    function, failure = FAILURES[name]
    world, _ = waiting_for(function, on_error="allow")
    assert world.chat("hi").status == 200
    (_, (amendment, told)) = world.stored
    assert (amendment.status, amendment.outcome, amendment.cause) == (200, "answered", WAITED_FAILED)
    assert (about(amendment).action, about(amendment).failure, told) == ("fail", failure, [])


def test_one_that_hangs_is_waited_for_until_its_deadline() -> None:
    over = threading.Event()
    world, _ = waiting_for(lambda event: over.wait(20) and takes(event), timeout_ms=100)
    began = time.monotonic()
    assert error(world.chat("hi")) == (503, "plugin_unavailable")
    assert time.monotonic() - began < 5
    over.set()
    assert about(world.stored[1][0]).failure == "timeout"


def test_several_are_called_side_by_side_and_all_are_waited_for() -> None:
    meeting = threading.Barrier(3)

    def meets(event: dict[str, Any]) -> dict[str, Any]:
        meeting.wait(5)  # in turn, the first would wait for the others in vain
        return takes(event)

    names = ("one", "two", "three")
    placements = [placed(name, timeout_ms=9_000) for name in names]
    world, _ = with_waiting(World({}, *placements), *placements, **dict.fromkeys(names, meets))
    assert world.chat("hi").status == 200


def test_one_of_several_keeps_the_answer_back_and_all_of_them_are_told_of_that() -> None:
    placements = [
        placed("one"),
        placed("two", on_error="allow"),
        placed("three"),
        placed("later", wait=False),
    ]
    functions = {"one": takes, "two": fails(FailureClass.EXCEPTION), "three": raises(FailureClass.THROTTLED)}
    world, called = with_waiting(World({}, *placements), *placements, **functions)
    assert error(world.chat("hi")) == (503, "plugin_unavailable")
    assert len(called.events) == 3
    amendment, told = world.stored[1]
    assert [about(amendment, name).failure for name in ("one", "two", "three", "later")] == [
        None,
        "exception",
        "throttled",
        None,
    ]
    assert told == ["one", "two", "three", "later"]


def test_an_amendment_that_cannot_be_stored_changes_nothing_for_the_caller() -> None:
    for on_error, status in (("block", 503), ("allow", 200)):
        world, _ = waiting_for(fails(FailureClass.EXCEPTION), on_error=on_error)
        stored: list[str] = []

        def once(record: EvidenceRecord, _: object, stored: list[str] = stored) -> None:
            if stored:
                raise StorageError("send to a queue")
            stored.append(record.request_id)

        world.outbox = once
        assert world.chat("hi").status == status
        assert len(stored) == 1


def test_without_a_stored_outcome_nobody_is_called() -> None:
    world, called = waiting_for(takes)

    def full(_: EvidenceRecord, __: object) -> None:
        raise StorageError("send to a queue")

    world.outbox = full
    assert error(world.chat("hi")) == (503, "evidence_unavailable")
    assert called.events == []


@pytest.mark.parametrize(
    "more",
    [{"mode": Mode.OFF}, {"mode": Mode.SHADOW}, {"rollout": 0}, {"wait": False}],
    ids=["off", "shadow", "outside its rollout", "not waited for"],
)
def test_who_is_not_to_get_it_is_not_called(more: dict[str, Any]) -> None:
    world, called = waiting_for(raises(FailureClass.DENIED), **more)
    assert world.chat("hi").status == 200
    assert called.events == []


def test_a_refusal_waits_for_it_too() -> None:
    guard = placement_of("guard", reads=(USER,))
    placement = placed()
    plugins = {"guard": Blocking()}
    world, called = with_waiting(World(plugins, guard, placement), guard, placement, export=takes)
    assert error(world.chat("hi")) == (403, "guard.reason")
    assert len(called.events) == 1


def test_after_failures_of_its_surroundings_it_is_not_called_for_a_while() -> None:
    world, called = waiting_for(raises(FailureClass.THROTTLED))
    for _ in range(7):
        assert error(world.chat("hi")) == (503, "plugin_unavailable")
    assert len(called.events) == 5
    assert about(world.stored[-1][0]).failure == "circuit_open"


def test_in_the_last_seconds_of_the_gateways_time_it_is_not_called() -> None:
    placement = placed()
    functions = Functions({"export": takes})
    waiting = Waiting([placement], functions, {"export": "sha256:terms"})
    world, _ = waiting_for(takes)
    world.chat("hi")
    waited = waiting.deliver(world.record, 1.0)
    assert (functions.events, about(waited.record).failure) == ([], "timeout")


def slack_s(world: World) -> float:
    """What the gateway keeps of its sixty seconds, when it calls an upstream."""
    return 60.0 - world.upstream.seconds[-1]


@pytest.mark.parametrize("streams", [False, True], ids=["unary", "stream"])
def test_an_upstream_is_left_no_time_that_calling_who_is_waited_for_may_take(streams: bool) -> None:
    def kept_s(**more: Any) -> float:
        slow = placed("slow", timeout_ms=9_000, **more)
        world, _ = with_waiting(World({}, placed(), slow), placed(), slow, export=takes, slow=takes)
        world.upstream.error = UpstreamError("It is not there.")
        assert (world.stream("hi") if streams else world.chat("hi")).status == 502
        return slack_s(world)

    assert kept_s() == pytest.approx(kept_s(mode=Mode.OFF) + 9.0 - 0.5)
    assert kept_s(wait=False) >= 0.5 + 2 * RESERVE_S  # for OUTCOME, the other's call, and an amendment


# MCP


def test_a_tools_answer_waits_for_it_and_is_kept_back_without_it() -> None:
    for function, status in ((takes, 200), (raises(FailureClass.DENIED), 503)):
        placement = placed()
        world, called = with_waiting(McpWorld({}, placement), placement, export=function)
        response = world.mcp_post(bodies.call())
        assert (response.status, len(called.events)) == (status, 1)
        if status == 503:
            assert code_of(response)[0] == 503
            assert b"Hello" not in response.body


def test_a_tools_streamed_answer_waits_for_it_and_is_kept_back_without_it() -> None:
    for function, is_there in ((takes, True), (raises(FailureClass.DENIED), False)):
        placement = placed()
        world, called = with_waiting(McpWorld({}, placement), placement, export=function)
        note = bodies.notification("notifications/message", level="info", data="x")
        world.reply(streamed(mcp_event(note), mcp_event(bodies.text_result("Hello."))))
        response = world.mcp_post(bodies.call())
        assert (b"Hello" in response.body, len(called.events)) == (is_there, 1)
        assert ("error" in events_of(response)[-1]) is not is_there


class Blocking(After):
    def __init__(self) -> None:
        super().__init__(lambda *_: Allow())

    def before_upstream(self, *_: object) -> Block:
        return Block("reason")
