"""What guards could not see of a stream: told once for each place, within the bounds of one answer."""

from __future__ import annotations

from penstock.evidence.record import Uninspected
from penstock.gates.inspection import MAX_PLACES
from penstock.gates.stream_unseen import UnseenTally
from tests.gates.fakes import TEXT


def entry(path: str = "a", kind: str = "image", plugin: str = "one", count: int = 1) -> Uninspected:
    return Uninspected(path, kind, "allow", plugin, count)


def test_what_is_alike_is_one_entry_and_counts_add_up() -> None:
    tally = UnseenTally()
    tally.add([entry(count=2), entry("b")])
    tally.add([entry(), entry(plugin="two"), entry(kind="audio")])
    assert tally.entries == [entry(count=3), entry("b"), entry(plugin="two"), entry(kind="audio")]


def test_a_field_counts_once_however_many_events_carry_it() -> None:
    tally = UnseenTally()
    for _ in range(3):
        tally.add([entry("*", TEXT)])
    assert tally.entries == [entry("*", TEXT)]


def test_places_that_are_too_many_are_counted_by_kind_for_each_plugin() -> None:
    tally = UnseenTally()
    for at in range(MAX_PLACES + 3):
        tally.add([entry(f"p{at}", count=2), entry(f"p{at % 2}", plugin="two")])
    tally.add([entry("p0"), entry("later", "audio")])
    mine = [one for one in tally.entries if one.plugin == "one"]
    assert len(mine) == MAX_PLACES + 2
    assert entry("p0", count=3) in mine
    assert entry("*", count=6) in mine
    assert entry("*", "audio") in mine
    assert sum(one.count for one in mine) == 2 * (MAX_PLACES + 3) + 2
    assert sorted(one.path for one in tally.entries if one.plugin == "two") == ["p0", "p1"]
