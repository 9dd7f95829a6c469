from __future__ import annotations

from typing import Any

import pytest

from penstock.sdk.storage import MAX_VALUE_BYTES, MemoryStorage, encoded_value
from plugins.email_notify.window import (
    KEY,
    LEASE_S,
    MAX_CODES,
    MAX_IDS,
    MAX_SEEN,
    OTHER,
    TRIES,
    HeldError,
    Match,
    add,
    claim,
    finish,
    mark_started,
    release,
)


def match(number: int, *rules: str, code: str | None = None, cost: int = 5) -> Match:
    return Match(
        f"{number:016x}", f"01a20289-929b-7000-8000-{number:012x}", rules or ("blocked",), code, cost
    )


def test_a_request_is_counted_once_however_often_it_comes() -> None:
    storage = MemoryStorage()
    added = [add(storage, match(number, "blocked", "dear", code="a.b"), 100.0, 20) for number in (1, 1, 2, 1)]
    window = added[-1]
    assert (window["requests"], window["cost_nanousd"]) == (2, 10)
    assert window["rules"] == {"blocked": 2, "dear": 2}
    assert window["codes"] == {"a.b": 2}
    assert window["ids"]["dear"] == [match(1).request_id, match(2).request_id]


def test_a_window_is_known_by_when_it_began_and_with_what() -> None:
    storage = MemoryStorage()
    first = add(storage, match(1), 100.7, 20)
    assert add(storage, match(2), 900.0, 20)["id"] == first["id"] == f"100-{1:016x}"
    mark_started(storage, first["id"])
    mark_started(storage, "another")
    assert add(storage, match(3), 901.0, 20)["started"] is True


def test_what_is_claimed_is_closed_and_what_comes_then_is_of_the_next_window() -> None:
    storage = MemoryStorage()
    first = add(storage, match(1), 100.0, 20)["id"]
    assert claim(storage, 200.0, "another") is None
    claimed = claim(storage, 200.0, first)
    assert claimed is not None
    second = add(storage, match(2), 201.0, 20)
    assert (claimed["requests"], second["requests"]) == (1, 1)
    assert second["id"] != first
    finish(storage, "another")
    finish(storage, first)
    assert claim(storage, 300.0, first) is None
    left = claim(storage, 300.0, None)
    assert left is not None
    assert left["id"] == second["id"]


def test_what_somebody_left_is_claimed_when_the_lease_is_over_and_by_one_at_a_time() -> None:
    storage = MemoryStorage()
    first = add(storage, match(1), 100.0, 20)["id"]
    claim(storage, 200.0, first)
    with pytest.raises(HeldError):
        claim(storage, 200.0 + LEASE_S - 1, first)
    again = claim(storage, 200.0 + LEASE_S, "whatever run it is")
    assert again is not None
    assert again["id"] == first
    with pytest.raises(HeldError):
        claim(storage, 200.0 + LEASE_S + 1, first)


def test_what_is_given_back_is_claimed_at_once_and_nobody_gives_back_another_s() -> None:
    storage = MemoryStorage()
    first = add(storage, match(1), 0.0, 20)["id"]
    claim(storage, 1.0, first)
    release(storage, "another")
    with pytest.raises(HeldError):
        claim(storage, 1.0, first)
    release(storage, first)
    again = claim(storage, 1.0, first)
    assert again is not None
    assert (again["id"], again["requests"]) == (first, 1)


def test_two_full_windows_fit_into_the_storage() -> None:
    storage = MemoryStorage()
    rules = tuple(f"{'r' * 44}-{number:02d}" for number in range(50))
    for half in range(2):
        window: dict[str, Any] = {}
        for number in range(MAX_SEEN + 50):
            code = f"{'c' * 90}.{number:04d}"
            window = add(storage, match(1000 * half + number, *rules, code=code, cost=10**12), 1e9, 50)
        assert window["requests"] == MAX_SEEN + 50
        assert sum(map(len, window["ids"].values())) == MAX_IDS
        assert len(window["codes"]) == MAX_CODES + 1
        assert window["codes"][OTHER] == MAX_SEEN + 50 - MAX_CODES
        if not half:
            claim(storage, 2e9, None)
    found = storage.get(KEY)
    assert found is not None
    assert found.value["sending"]
    assert len(encoded_value(found.value)) < MAX_VALUE_BYTES * 0.9


class Contended(MemoryStorage):
    """Somebody else is faster, `times` times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def put(
        self, key: str, value: Any, *, ttl_s: int | None = None, expected: str | None = None
    ) -> str | None:
        self.times -= 1
        return None if self.times >= 0 else super().put(key, value, ttl_s=ttl_s, expected=expected)


def test_who_is_not_the_first_reads_again_and_gives_up_only_after_many() -> None:
    assert add(Contended(TRIES - 1), match(1), 100.0, 20)["requests"] == 1
    with pytest.raises(HeldError):
        add(Contended(TRIES), match(1), 100.0, 20)
