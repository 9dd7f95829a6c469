from __future__ import annotations

from dataclasses import replace

import pytest

from penstock.adapters.objects import PutOnce
from penstock.adapters.seal_note import MemorySealNotes
from penstock.evidence import layout
from penstock.evidence.sealing import LOOKS_H, Sealer, due_hours
from penstock.evidence.seals import HOUR_MS, Inventory, Item, Seal, digest_of, packed, unpacked
from tests.evidence.ports import CrashError
from tests.evidence.sealed import ACME_NINE, NINE_MS, SealedWorld, three_hours


def seal_of(world: SealedWorld, number: int) -> Seal:
    seal = unpacked(Seal, world.bucket.get(layout.seal_key(number)) or b"")
    assert seal is not None
    return seal


def listed(world: SealedWorld, number: int) -> dict[str, list[str]]:
    """Folder → names that the seal's inventories list."""
    found: dict[str, list[str]] = {}
    for reference in seal_of(world, number).inventories:
        body = world.bucket.get(reference.key) or b""
        assert digest_of(body) == reference.sha256
        inventory = unpacked(Inventory, body)
        assert inventory is not None
        assert reference.objects == len(inventory.items)
        found.setdefault(inventory.folder, []).extend(item.name for item in inventory.items)
    return found


def test_an_hour_that_is_over_is_listed_with_the_digests_of_what_is_stored() -> None:
    world = SealedWorld()
    key = world.store(body=b'{"a":1}')
    sealed = world.seal()
    (reference,) = seal_of(world, 1).inventories
    inventory = unpacked(Inventory, world.bucket.get(reference.key) or b"")
    assert inventory is not None
    (item,) = inventory.items
    stored = world.bucket.get(key) or b""
    assert inventory.folder + item.name == key
    assert (item.size_bytes, item.sha256) == (len(stored), digest_of(stored))
    assert (sealed.objects, sealed.seals, sealed.is_whole) == (1, 1, True)


def test_an_hour_is_left_alone_until_the_sweeper_has_had_its_time() -> None:
    world = SealedWorld()
    world.store()
    world.now_ms = NINE_MS + HOUR_MS + 29 * 60_000
    world.seal()
    assert world.inventories() == []
    world.now_ms += 60_000
    assert world.seal().objects == 1


def test_each_seal_names_the_one_before_and_through_which_hour_it_goes() -> None:
    world = three_hours()
    assert len(world.seals()) == 3
    for number in (2, 3):
        before = world.bucket.get(layout.seal_key(number - 1)) or b""
        assert seal_of(world, number).previous == digest_of(before)
    assert seal_of(world, 1).previous is None
    assert seal_of(world, 3).through == "2026-11-22T11:00:00.000Z"
    assert set(listed(world, 2)) == {
        "org=acme/dt=2026-11-22/hour=10/",
        "org=other/dt=2026-11-22/hour=10/",
    }


def test_a_second_run_in_the_same_hour_does_nothing() -> None:
    world = three_hours()
    before = list(world.bucket.list(""))
    assert world.seal().is_idle
    assert list(world.bucket.list("")) == before


def test_an_hour_without_evidence_is_sealed_too_so_that_silence_is_told_from_loss() -> None:
    world = three_hours()
    world.hours_later()
    assert seal_of(world, 4).inventories == []
    assert seal_of(world, 4).through == "2026-11-22T12:00:00.000Z"


def test_what_comes_late_is_added_by_a_later_seal_and_nothing_is_listed_twice() -> None:
    world = three_hours()
    late = world.store(NINE_MS)
    for _ in range(24):
        world.hours_later()
    found = [number for number in range(4, 28) if ACME_NINE in listed(world, number)]
    (number,) = found
    assert listed(world, number)[ACME_NINE] == [late.removeprefix(ACME_NINE)]


def test_what_comes_a_month_late_is_still_found_and_after_that_no_more() -> None:
    world = three_hours()
    world.now_ms = NINE_MS + HOUR_MS * (LOOKS_H[-1] - 3)
    world.seal()
    late = world.store(NINE_MS)
    world.hours_later(24)
    number = len(world.seals())
    assert listed(world, number) == {ACME_NINE: [late.removeprefix(ACME_NINE)]}
    world.store(NINE_MS)
    assert world.hours_later(24).objects == 0


@pytest.mark.parametrize("gap_h", [1, 2, 5, 30, 1000])
def test_an_hour_is_looked_at_at_every_age_however_long_the_sealer_was_away(gap_h: int) -> None:
    until = NINE_MS + gap_h * HOUR_MS
    hours = due_hours(NINE_MS, until)
    assert len(hours) == len(set(hours))
    for look in LOOKS_H:
        for hour in range(NINE_MS + HOUR_MS - look * HOUR_MS, until - look * HOUR_MS + 1, HOUR_MS):
            assert hour in hours


def test_the_first_run_of_an_old_deployment_lists_all_there_is() -> None:
    world = SealedWorld()
    for hours in (0, 100, 5000):
        world.store(NINE_MS - hours * HOUR_MS)
    world.store(organisation=None)
    world.bucket.put_once("org=acme/dt=yesterday/hour=1/x", b"")
    assert world.seal().objects == 4


def test_a_large_hour_has_several_inventories() -> None:
    world = SealedWorld(page=4)
    for _ in range(10):
        world.store()
    world.seal()
    assert [reference.objects for reference in seal_of(world, 1).inventories] == [4, 4, 2]
    assert len(listed(world, 1)[ACME_NINE]) == 10


def test_a_run_without_time_seals_what_it_has_and_the_next_goes_on() -> None:
    world = SealedWorld(page=2)
    for _ in range(7):
        world.store()
    left = iter([True, True, True, False])
    first = world.seal(lambda: next(left, False))
    assert (first.is_whole, first.objects) == (False, 4)
    assert seal_of(world, 1).through is None
    second = world.seal()
    assert (second.is_whole, second.objects) == (True, 3)
    assert len(listed(world, 1)[ACME_NINE] + listed(world, 2)[ACME_NINE]) == 7
    assert world.found() == []


def test_a_run_without_any_time_stores_nothing() -> None:
    world = SealedWorld()
    world.store()
    world.seal(lambda: False)
    assert world.seals() == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(4))
def test_a_crash_at_any_step_is_mended_by_the_next_run(at: int, after: bool) -> None:
    world = SealedWorld(page=1)
    keys = [world.store(), world.store()]
    trap = world.trap(at, after=after)  # two inventories, the seal, the note
    with pytest.raises(CrashError):
        world.seal()
    assert trap.steps == at + 1
    world.trap(-1, after=False)
    world.hours_later()
    assert world.found() == []
    names = [name for n in range(1, len(world.seals()) + 1) for name in listed(world, n).get(ACME_NINE, [])]
    assert sorted(ACME_NINE + name for name in names) == sorted(keys)


def test_of_two_sealers_at_once_one_goes_on_and_the_other_stops() -> None:
    world = SealedWorld()
    world.store()
    other = replace(world)

    class Late(type(world.bucket)):  # type: ignore[misc]  # the bucket, seen by the slower of the two
        def put_once(self, key: str, body: bytes) -> PutOnce:
            if key.startswith(layout.CHAIN):
                other.now_ms += 1000
                other.seal()
            return world.bucket.put_once(key, body)

    slower = Late()
    slower._bodies = world.bucket._bodies
    sealed = Sealer(slower, world.notes, lambda: world.now_ms).run()
    assert (sealed.seals, sealed.is_whole) == (0, False)
    assert len(world.seals()) == 1
    assert world.found() == []


def test_a_seal_that_is_in_the_way_is_passed_over() -> None:
    world = three_hours()
    world.bucket.put_once(
        layout.seal_key(4), packed(Seal(4, "2026-11-22T12:00:00.000Z", "sha256:" + "0" * 64))
    )
    world.bucket.put_once(layout.seal_key(5), b"no seal at all")
    world.hours_later()
    third = world.bucket.get(layout.seal_key(3)) or b""
    assert seal_of(world, 6).previous == digest_of(third)
    assert world.found() == [("seal_foreign", layout.seal_key(4)), ("seal_foreign", layout.seal_key(5))]


def test_the_chain_goes_on_from_the_note_when_its_newest_seals_are_gone() -> None:
    world = three_hours()
    third = world.bucket.remove(layout.seal_key(3))
    world.hours_later()
    assert seal_of(world, 4).previous == digest_of(third)
    assert ("seal_missing", layout.seal_key(3)) in world.found()


def test_the_chain_goes_on_from_the_bucket_when_the_ledger_was_lost() -> None:
    world = three_hours()
    world.notes._note = None
    assert world.seal().is_idle
    world.hours_later()
    assert len(world.seals()) == 4
    assert world.found() == []


def test_an_inventory_that_no_seal_names_hides_nothing() -> None:
    """Somebody who may store below seal/ says of an object that it has been listed."""
    world = three_hours()
    name = world.store(NINE_MS).removeprefix(ACME_NINE)
    forged = packed(Inventory(ACME_NINE, [Item(name, 1, digest_of(b""))]))
    for number in (2, 4):  # one that is there and does not name it, one that is to come
        world.bucket.put_once(layout.inventory_key(ACME_NINE, number, forged), forged)
    for _ in range(24):
        world.hours_later()
    found = [listed(world, number).get(ACME_NINE) for number in range(4, len(world.seals()) + 1)]
    assert [name] in found


def test_an_object_that_goes_while_it_is_read_is_not_listed() -> None:
    world = SealedWorld()
    gone = world.store()
    world.store()
    body = world.bucket.get
    world.bucket.get = lambda key: None if key == gone else body(key)  # type: ignore[method-assign]  # an instance's own
    assert world.seal().objects == 1


def test_many_inventories_are_named_by_several_seals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.evidence.sealing.MAX_REFERENCES", 2)
    world = SealedWorld(page=1)
    for _ in range(5):
        world.store()
    sealed = world.seal()
    assert (sealed.seals, sealed.objects, sealed.is_whole) == (3, 5, True)
    assert world.verify().is_sound


def test_notes_in_memory_go_forward_only() -> None:
    world = three_hours()
    note = world.notes.latest()
    assert note is not None
    MemorySealNotes.write(world.notes, replace(note, number=1))
    assert world.notes.latest() == note
