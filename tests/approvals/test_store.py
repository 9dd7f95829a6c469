"""Where approvals wait: the first answer stays, the newest task counts, nobody overwrites anybody."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.approvals.store import TOLD_S, Answer, Approvals, State, Waiting
from penstock.errors import StorageError
from penstock.sdk.storage import MemoryStorage, Stored

NOW_S = 1_790_000_000
WAITING = Waiting("token", NOW_S + 60, "01890a5d-ac96-774b-bcce-b302099a8057", "acme")
YES, NO = Answer("approved", "anna", NOW_S), Answer("denied", "bob", NOW_S + 1)


def approvals(own: Any = None, now_s: float = NOW_S) -> Approvals:
    return Approvals(own or MemoryStorage(lambda: now_s), MemoryStorage(), lambda: now_s)


def test_an_answer_and_a_task_find_each_other_in_either_order() -> None:
    for first in ("wait", "answer"):
        kept = approvals()
        if first == "wait":
            kept.wait("run", "decide", WAITING)
        kept.answer("run", "decide", YES)
        if first == "answer":
            kept.wait("run", "decide", WAITING)
        assert kept.state("run", "decide") == State(WAITING, YES)


def test_the_first_answer_stays_and_whoever_comes_later_is_told_it() -> None:
    kept = approvals()
    assert kept.answer("run", "decide", YES).answer == kept.answer("run", "decide", NO).answer == YES


def test_a_step_that_is_run_again_has_a_new_task_that_has_heard_nothing() -> None:
    kept = approvals()
    kept.wait("run", "decide", WAITING)
    kept.answer("run", "decide", YES)
    assert kept.pass_on("run", "decide", WAITING, late=False).passed_on
    again = WAITING._replace(token="other")
    assert kept.wait("run", "decide", again) == State(again, YES)
    assert not kept.pass_on("run", "decide", WAITING, late=True).passed_on


def test_a_run_that_comes_back_to_the_step_asks_anew() -> None:
    kept = approvals()
    kept.wait("run", "decide", WAITING)
    kept.answer("run", "decide", YES)
    kept.pass_on("run", "decide", WAITING, late=False)
    back = Waiting("other", WAITING.until_s + 60, WAITING.request_id, "acme")
    assert kept.wait("run", "decide", back) == State(back)
    assert kept.answer("run", "decide", NO).answer == NO


def test_two_that_write_at_once_both_count() -> None:
    class Racing(MemoryStorage):
        """Somebody answers between our reading and our writing, once."""

        raced = False

        def get(self, key: str) -> Stored | None:
            found = super().get(key)
            if not self.raced and found is not None:
                self.raced = True
                Approvals(self, MemoryStorage(), lambda: NOW_S).answer("run", "decide", NO)
            return found

    own = Racing(lambda: NOW_S)
    kept = approvals(own)
    kept.wait("run", "decide", WAITING)
    assert kept.answer("run", "decide", YES) == State(WAITING, NO)


def test_who_never_wins_gives_up_in_words() -> None:
    class Lost(MemoryStorage):
        def put(self, *args: Any, **more: Any) -> str | None:
            return None

    with pytest.raises(StorageError):
        approvals(Lost()).answer("run", "decide", YES)


def test_what_was_decided_is_told_for_a_week_after_the_time_to_answer() -> None:
    clock = [float(NOW_S)]
    own = MemoryStorage(lambda: clock[0])
    kept = Approvals(own, MemoryStorage(), lambda: clock[0])
    kept.wait("run", "decide", WAITING)
    clock[0] += 60 + TOLD_S - 1
    assert kept.state("run", "decide").waiting == WAITING
    clock[0] += 2
    assert kept.state("run", "decide") == State()


def test_what_a_plugin_says_that_is_no_table_is_nothing() -> None:
    pages = MemoryStorage()
    pages.put("page/run", ["no table"])
    assert Approvals(MemoryStorage(), pages, lambda: NOW_S).page("run") == {}


def test_no_token_is_printed() -> None:
    assert "token" not in repr(State(WAITING))
