from __future__ import annotations

from penstock.governance import directory as module
from penstock.governance.directory import Directory
from tests.governance.directories import World


def test_one_round_trip_reads_what_is_not_remembered() -> None:
    world = World()
    directory = world.directory()
    directory.read(["team#red"])
    found = directory.read(["team#red", "user#ann", "team#none", "user#ann"])
    assert set(found) == {"team#red", "user#ann"}
    assert world.store.reads == [["team#red"], ["user#ann", "team#none"]]


def test_what_is_absent_is_remembered_for_a_shorter_time() -> None:
    world = World()
    directory = world.directory()
    directory.read(["team#red", "team#blue"])
    world.put("team", "blue", {"id": "blue"})
    world.clock_s = 9.9
    assert "team#blue" not in directory.read(["team#red", "team#blue"])
    world.clock_s = 10.0
    assert "team#blue" in directory.read(["team#red", "team#blue"])
    assert world.store.reads[-1] == ["team#blue"]


def test_memory_is_bounded_and_loses_the_oldest_first() -> None:
    world = World()
    directory: Directory = world.directory()
    directory.read(["team#red"])
    for number in range(module.MAX_ENTRIES):
        directory.read([f"secret#{number}"])
    assert len(directory._known) == module.MAX_ENTRIES
    directory.read(["team#red"])
    assert world.store.reads[-1] == ["team#red"]
