"""Answers: recorded before they are handed on, handed on once, and finished by whoever comes next."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.adapters.objects import MemoryObjects
from penstock.approvals.links import Link
from penstock.approvals.store import State
from penstock.errors import StorageError
from penstock.evidence import layout
from penstock.evidence.digests import Digester
from tests.approvals.fakes import BEGIN_S, DIGEST_KEY, LASTING_S, PLUGIN, REQUEST_ID, RUN, STEP, Scene

LINK = Link(PLUGIN, RUN, STEP, "anna", BEGIN_S + LASTING_S)


def test_an_answer_is_recorded_beside_its_request_and_then_handed_on() -> None:
    scene = Scene()
    scene.waits()
    state = scene.deciding.decide(LINK, "approved")
    assert (state.passed_on, state.late, scene.tasks.heard) == (True, False, {"token-1": "approved"})
    (record,) = scene.records
    assert (record.request_id, record.plugin, record.step, record.outcome) == (
        REQUEST_ID,
        PLUGIN,
        STEP,
        "approved",
    )
    assert record.approver == Digester(DIGEST_KEY, REQUEST_ID).text("approver", "anna")
    (key,) = scene.objects.list("")
    assert key.startswith(f"{layout.request_prefix('acme', REQUEST_ID)}delivery.{PLUGIN}.approval-")
    assert layout.named(key).kind == "delivery"
    assert scene.counted == ["asked", "approved"]


def test_an_answer_that_comes_before_the_task_waits_for_it() -> None:
    scene = Scene()
    assert not scene.deciding.decide(LINK, "denied").passed_on
    assert (scene.records, scene.tasks.heard) == ([], {})
    scene.waits()
    assert scene.tasks.heard == {"token-1": "denied"}
    assert len(scene.records) == 1


def test_a_step_to_which_a_run_comes_back_hears_no_answer_but_its_own() -> None:
    scene = Scene()
    scene.waits()
    scene.deciding.decide(LINK, "approved")
    scene.now_s += LASTING_S
    scene.waits("token-2")
    assert scene.tasks.heard == {"token-1": "approved"}
    scene.deciding.decide(LINK, "denied")
    assert scene.tasks.heard == {"token-1": "approved", "token-2": "denied"}
    assert sorted(str(record.outcome) for record in scene.records) == ["approved", "denied"]


def test_of_two_answers_the_first_counts_and_is_handed_on_once() -> None:
    scene = Scene()
    scene.waits()
    scene.deciding.decide(LINK, "denied")
    state = scene.deciding.decide(LINK._replace(approver="bob"), "approved")
    assert state.answer is not None
    assert (state.answer.choice, state.answer.approver, scene.tasks.heard) == (
        "denied",
        "anna",
        {"token-1": "denied"},
    )
    assert len(scene.records) == 1


def test_an_answer_without_a_record_is_not_handed_on_and_the_next_who_comes_finishes_it() -> None:
    scene = Scene()
    scene.waits()
    there, broken = scene.objects.put_once, [True]

    def put_once(key: str, body: bytes) -> Any:
        if broken[0]:
            raise StorageError("store an object")
        return there(key, body)

    scene.objects.put_once = put_once  # type: ignore[method-assign]  # the store that fails for a while
    with pytest.raises(StorageError):
        scene.deciding.decide(LINK, "approved")
    assert scene.tasks.heard == {}
    broken[0] = False
    state = scene.deciding.decide(LINK._replace(approver="bob"), "denied")
    assert state.answer is not None
    assert (state.answer.choice, scene.tasks.heard) == ("approved", {"token-1": "approved"})


def test_who_dies_between_step_functions_and_the_note_is_not_told_late_to_the_next() -> None:
    scene = Scene()
    scene.waits()
    scene.deciding.decide(LINK, "approved")
    waiting = scene.approvals.state(RUN, STEP).waiting
    assert waiting is not None
    scene.approvals.wait(RUN, STEP, waiting)  # as if the note had never been made
    state = scene.deciding.finished(LINK, scene.approvals.state(RUN, STEP))
    assert (state.passed_on, state.late) == (True, False)
    assert len(scene.records) == 1


def test_an_answer_that_broke_off_is_finished_after_another_deployment() -> None:
    scene = Scene()
    scene.waits()
    there, broken = scene.tasks.succeed, [True]

    def succeed(token: str, outcome: str) -> bool:
        if broken[0]:
            raise StorageError("answer a task")
        return there(token, outcome)

    scene.tasks.succeed = succeed  # type: ignore[method-assign]  # Step Functions, away for a while
    with pytest.raises(StorageError):
        scene.deciding.decide(LINK, "approved")
    broken[0] = False
    later = scene.deployed("sha256:" + "c" * 64)
    assert later.finished(LINK, scene.approvals.state(RUN, STEP)).passed_on
    assert scene.tasks.heard == {"token-1": "approved"}
    assert len({record.snapshot for record in scene.records}) == 2


def test_a_task_that_has_ended_by_the_time_is_said_to_be_late() -> None:
    scene = Scene()
    scene.waits()
    scene.tasks.over.add("token-1")
    scene.now_s += LASTING_S
    assert scene.deciding.decide(LINK, "approved").late


@pytest.mark.parametrize(("later_s", "over"), [(0, False), (LASTING_S - 3, False), (LASTING_S - 2, True)])
def test_the_time_to_answer_ends_with_the_task_and_with_the_link(later_s: int, over: bool) -> None:
    scene = Scene()
    scene.waits()
    scene.now_s += later_s
    assert scene.deciding.is_over(LINK, scene.approvals.state(RUN, STEP)) is over
    assert scene.deciding.is_over(LINK, State()) is over


def test_another_record_in_the_same_place_is_no_success() -> None:
    scene = Scene()
    scene.waits()
    scene.deciding.decide(LINK, "approved")
    (key,) = scene.objects.list("")
    objects = MemoryObjects()
    objects.put_once(key, layout.pack(b"{}"))
    other = Scene()
    other.objects.put_once(key, layout.pack(b"{}"))
    other.waits()
    with pytest.raises(StorageError):
        other.deciding.decide(LINK, "approved")
    assert other.tasks.heard == {}
