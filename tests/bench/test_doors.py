"""Every door's row measures what it says: the request is served and each plugin has read it all."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bench import doors
from bench.doors import Door
from penstock.evidence.record import EvidenceRecord

DOORS = doors.doors(doors.SIZE_BYTES)
NOT_READ = {  # doors whose answers have no text, or whose request is what it is counted by
    "embeddings": "after_upstream",
    "count_tokens": "after_upstream",
}


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_plugins_read_all_that_comes_through_a_door(door: Door) -> None:
    stored: list[EvidenceRecord] = []

    def store(record: EvidenceRecord, _dispatch: Sequence[str]) -> None:
        stored.append(record)

    doors.gateway(door, 2, {"outbox": store}).call(door.request)()
    (first, second) = stored
    assert [placement.action for placement in first.placements] == ["record"] * 4
    for placement in second.placements:
        said = placement.recorded["chars"]
        assert isinstance(said, int)
        has_words = NOT_READ.get(door.name) != placement.moment
        assert (said > 0.75 * doors.SIZE_BYTES) if has_words else said == 0


def test_a_table_has_a_row_for_every_door() -> None:
    measured = doors.measured(1)
    assert list(measured) == [door.name for door in DOORS]
    assert all(set(rows) == {"direct", "0+0", "5+5"} for rows in measured.values())
    assert all(rows["5+5"]["requests"] for rows in measured.values())
