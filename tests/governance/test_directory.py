from __future__ import annotations

from penstock.adapters.control import Entry
from penstock.governance import directory as module
from penstock.governance.directory import Decoded, Directory
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


def test_an_entry_is_decoded_once_and_anew_when_it_was_read_anew() -> None:
    world = World()
    directory = world.directory()
    made: list[str] = []

    def make(entry: Entry) -> str:
        made.append(entry.document.get("name", ""))
        return made[-1]

    decoded = Decoded(make)

    def name() -> str:
        return decoded.of("team#red", directory.read(["team#red"])["team#red"])

    assert [name(), name()] == ["Red", "Red"]
    assert made == ["Red"]
    world.put("team", "red", {"id": "red", "name": "Reds"})
    assert name() == "Red"  # as fresh as what the directory says, and no fresher
    world.clock_s = module.FOUND_S
    assert [name(), name()] == ["Reds", "Reds"]
    assert made == ["Red", "Reds"]


def test_what_was_decoded_is_bounded_as_the_directory_is() -> None:
    decoded = Decoded(lambda entry: entry.revision)
    for number in range(module.MAX_ENTRIES + 1):
        decoded.of(f"secret#{number}", Entry({}, number))
    assert len(decoded._made) <= module.MAX_ENTRIES
