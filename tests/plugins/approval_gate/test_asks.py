"""How it stands with a reference: one change at a time, and nothing longer than it was said."""

from __future__ import annotations

from penstock.sdk.storage import Stored
from plugins.approval_gate.asks import HOUR_S, RESTART_S, SLACK_S, Asks
from tests.plugins.approval_gate.stage import NOW_S, REFERENCE, Stage


def asks_at(now_s: list[float]) -> Asks:
    stage = Stage()
    stage.now_s = now_s[0]
    kept = stage.kept
    kept._now_s = lambda: now_s[0]
    return Asks(kept, lambda: now_s[0])


def test_of_two_that_saw_the_same_one_changes_it() -> None:
    asks = asks_at([NOW_S])
    first, second = asks.new("run-1", 60), asks.new("run-2", 60)
    kept = asks.put(REFERENCE, first)
    assert kept is not None
    assert asks.put(REFERENCE, second) is None
    assert asks.put(REFERENCE, kept._replace(standing="asked")) is not None
    assert asks.put(REFERENCE, kept._replace(standing="denied")) is None
    found = asks.of(REFERENCE)
    assert found is not None
    assert (found.run, found.standing) == ("run-1", "asked")


def test_what_has_changed_meanwhile_is_not_forgotten() -> None:
    asks = asks_at([NOW_S])
    before = asks.put(REFERENCE, asks.new("run-1", 60))
    assert before is not None
    asks.put(REFERENCE, asks.settled(before, "denied", 60))
    asks.forget(REFERENCE, before)
    assert asks.of(REFERENCE) is not None


def test_it_ends_when_its_time_is_over() -> None:
    now_s: list[float] = [NOW_S]
    asks = asks_at(now_s)
    ask = asks.put(REFERENCE, asks.new("run-1", 60))
    assert ask is not None
    now_s[0] += 60 + SLACK_S - 1
    assert asks.of(REFERENCE) is not None
    now_s[0] += 1
    assert asks.of(REFERENCE) is None


def test_who_starts_has_a_minute_for_it() -> None:
    now_s: list[float] = [NOW_S]
    asks = asks_at(now_s)
    ask = asks.new("run-1", 60)
    assert not asks.is_stuck(ask)
    now_s[0] += RESTART_S
    assert asks.is_stuck(ask)
    assert not asks.is_stuck(ask._replace(standing="asked"))


def test_a_key_whose_requests_come_at_once_is_counted_for_each_and_refused_none() -> None:
    asks = asks_at([NOW_S])
    kept, raced = asks._storage, [True, True]
    there = kept.get

    def get(key: str) -> Stored | None:
        found = there(key)
        if raced and raced.pop():
            Asks(kept, lambda: NOW_S).may_ask("key-1", 4)  # another request, between our reading and writing
        return found

    kept.get = get  # type: ignore[method-assign]  # the storage as others write to it
    assert asks.may_ask("key-1", 4)
    raced.clear()
    assert [asks.may_ask("key-1", 4) for _ in range(2)] == [True, False]


def test_an_hour_has_so_many_asks_for_one_key() -> None:
    now_s: list[float] = [NOW_S]
    asks = asks_at(now_s)
    assert [asks.may_ask("key-1", 2) for _ in range(3)] == [True, True, False]
    assert asks.may_ask("key-2", 2)
    now_s[0] += HOUR_S
    assert asks.may_ask("key-1", 2)
