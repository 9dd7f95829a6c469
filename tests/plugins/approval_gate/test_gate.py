"""Who is asked, what passes, and for how long; and what happens when something is away."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.errors import StorageError
from penstock.sdk.storage import Stored
from tests.plugins.approval_gate.stage import BY_EMAIL, REFERENCE, Stage


def told(stage: Stage) -> list[str]:
    return [address for message in stage.fakes.sent for address in message.to]


def test_a_request_waits_until_somebody_has_approved_it_and_then_passes_once() -> None:
    stage = Stage()
    asked = stage.ask()
    assert (asked.action, asked.reason, asked.recorded) == (
        "block",
        "approval_required",
        {"approval": "required"},
    )
    assert stage.went({"decide": "approved"}).path == ("tell", "decide", "settle")
    assert told(stage) == ["anna@acme.example", "bob@acme.example"]
    passed = stage.ask()
    assert (passed.action, passed.recorded) == ("record", {"approval": "approved", "uses_left": 0})
    again = stage.ask()
    assert (again.reason, again.recorded) == ("approval_required", {"approval": "required"})


def test_the_caller_is_told_the_reference_and_not_of_a_denial() -> None:
    stage = Stage()
    assert stage.ask().decision.refer
    stage.went({"decide": "denied"})
    denied = stage.ask()
    assert (denied.reason, denied.recorded) == ("approval_denied", {"approval": "denied"})
    assert not denied.decision.refer


def test_who_asks_again_meanwhile_starts_nothing() -> None:
    stage = Stage()
    stage.ask()
    for _ in range(3):
        assert stage.ask().recorded == {"approval": "pending"}
    assert len(stage.fakes.started) == 1


def test_another_request_needs_an_approval_of_its_own() -> None:
    stage = Stage()
    stage.ask()
    stage.went({"decide": "approved"})
    assert stage.ask(reference="cd" * 13).reason == "approval_required"
    assert stage.ask().action == "record"


def test_an_approval_ends_with_its_lifetime_and_a_denial_with_its_own() -> None:
    for answer, lasting_s in (("approved", 900), ("denied", 3600)):
        stage = Stage({**BY_EMAIL, "uses": 5})
        stage.ask()
        stage.went({"decide": answer})
        stage.now_s += lasting_s - 1
        assert stage.ask().recorded["approval"] == answer
        stage.now_s += 1
        assert stage.ask(headers={}).recorded == {"approval": "required"}


def test_what_nobody_answers_is_asked_anew() -> None:
    stage = Stage()
    stage.ask()
    assert stage.went().outcomes["decide"] == "expired"
    assert stage.records["settle"] == {"approval": "expired"}
    assert stage.ask().recorded == {"approval": "required"}


def test_a_use_is_taken_once_by_two_requests_at_once() -> None:
    stage = Stage()
    stage.ask()
    stage.went({"decide": "approved"})
    get, raced = stage.kept.get, [False]

    def racing(key: str) -> Stored | None:
        found = get(key)
        if key.startswith("ask/") and not raced[0]:
            raced[0] = True
            assert stage.ask().recorded["approval"] == "approved"  # between our reading and our writing
        return found

    stage.kept.get = racing  # type: ignore[method-assign]  # the other request
    assert stage.ask().recorded["approval"] == "required"


def test_of_two_that_ask_at_once_one_starts_a_run() -> None:
    stage = Stage()
    get, raced = stage.kept.get, [False]

    def racing(key: str) -> Stored | None:
        found = get(key)
        if key.startswith("ask/") and not raced[0]:
            raced[0] = True
            assert stage.ask().recorded["approval"] == "required"
        return found

    stage.kept.get = racing  # type: ignore[method-assign]  # the other request
    assert stage.ask().recorded["approval"] == "pending"
    assert len(stage.fakes.started) == 1


def test_a_run_that_cannot_be_started_stops_the_request_and_the_next_one_tries_again() -> None:
    stage = Stage()
    start = stage.fakes.start

    def broken(*_: Any, **__: Any) -> None:
        raise StorageError("start a workflow")

    stage.fakes.start = broken  # type: ignore[method-assign]  # Step Functions is away
    failed = stage.ask()
    assert (failed.action, failed.decision) == ("fail", None)
    stage.fakes.start = start  # type: ignore[method-assign]  # back
    assert stage.ask().recorded == {"approval": "required"}


def test_who_died_before_the_start_is_followed_by_the_next_after_a_minute() -> None:
    stage = Stage()
    stage.ask()
    found = stage.kept.get(f"ask/{REFERENCE}")
    assert found is not None
    stage.kept.put(f"ask/{REFERENCE}", {**found.value, "standing": "starting"})
    assert stage.ask().recorded == {"approval": "pending"}
    stage.now_s += 60
    assert stage.ask().recorded == {"approval": "required"}
    assert len(stage.fakes.started) == 1  # the same run


@pytest.mark.parametrize("key", ["ask/", "rate/", "page/"])
def test_a_storage_that_does_not_answer_lets_nothing_pass(key: str) -> None:
    stage = Stage()
    put = stage.kept.put

    def broken(name: str, *rest: Any, **more: Any) -> str | None:
        if name.startswith(key):
            raise StorageError("write a plugin's storage")
        return put(name, *rest, **more)

    stage.kept.put = broken  # type: ignore[method-assign,assignment]  # for a while
    assert stage.ask().action == "fail"


def test_when_no_approver_can_be_told_the_run_fails_and_the_next_request_asks_anew() -> None:
    stage = Stage()
    stage.refuses = {"anna@acme.example", "bob@acme.example"}
    stage.ask()
    went = stage.went({"decide": "approved"})
    assert (went.path, went.failed) == (("tell", "forget"), True)
    assert stage.records["tell"] == {"approvers_told": 0, "approvers_untold": 2}
    assert stage.records["forget"] == {"approval": "untold"}
    stage.refuses = set()
    assert stage.ask().recorded == {"approval": "required"}


def test_one_approver_who_can_be_told_is_enough_and_nobody_is_told_twice() -> None:
    stage = Stage()
    stage.refuses = {"anna@acme.example"}
    stage.ask()
    assert not stage.went().failed
    assert stage.records["tell"] == {"approvers_told": 1, "approvers_untold": 1}
    stage.refuses = set()
    stage.went()  # Step Functions runs a step again of which it has not heard
    assert told(stage) == ["bob@acme.example", "anna@acme.example"]


def test_a_step_that_settles_twice_gives_no_use_back() -> None:
    stage = Stage()
    stage.ask()
    stage.went({"decide": "approved"})
    assert stage.ask().recorded["approval"] == "approved"
    stage.went({"decide": "approved"})
    assert stage.ask().recorded == {"approval": "required"}


def test_the_answer_of_a_run_that_is_another_ones_by_now_changes_nothing() -> None:
    stage = Stage()
    stage.ask()
    old = stage.fakes.started[-1].run_id
    found = stage.kept.get(f"ask/{REFERENCE}")
    assert found is not None
    stage.kept.put(f"ask/{REFERENCE}", {**found.value, "run": "another"})
    assert stage.went({"decide": "approved"}).outcomes == {"tell": "told", "decide": "approved"}
    assert stage.ask().recorded == {"approval": "pending"}
    assert old != "another"


def test_one_api_key_cannot_ask_without_end() -> None:
    stage = Stage({**BY_EMAIL, "asks_per_hour": 3})
    reasons = [stage.ask(reference=sign * 26).reason for sign in "abcfg"]
    assert reasons == ["approval_required"] * 3 + ["too_many_asked"] * 2
    assert len(stage.fakes.started) == 3
    other = stage.ask(reference="d" * 26, identity={"api_key": "key-2"})
    assert other.reason == "approval_required"
    stage.now_s += 3600
    assert stage.ask(reference="e" * 26).reason == "approval_required"


@pytest.mark.parametrize(
    ("method", "passes"),
    [("tools/list", True), ("initialize", True), ("notifications/initialized", True), (None, True)]
    + [(each, False) for each in ("tools/call", "resources/read", "prompts/get", "new/method")],
)
def test_of_mcp_only_what_uses_nothing_passes_unasked(method: str | None, passes: bool) -> None:
    values: dict[str, Any] = {} if method is None else {"mcp_method": method}
    result = Stage().ask(route="/mcp/{server}", **values)
    assert (result.recorded == {"approval": "free"}) is passes


def test_a_run_is_named_by_its_request_and_reference_so_that_a_batch_starts_one_for_each() -> None:
    stage = Stage()
    stage.ask()
    stage.ask(reference="cd" * 13)
    first, second = stage.fakes.started
    assert first.run_id != second.run_id
    assert all(len(each.run_id) <= 80 for each in stage.fakes.started)
    assert first.reference == REFERENCE
