"""What somebody who passes all walls of the bucket can do, and what verifying says of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from penstock.adapters.seal_note import SealNote
from penstock.evidence import layout
from penstock.evidence.chain import Known
from penstock.evidence.sealing import LOOKS_H
from penstock.evidence.seals import HOUR_MS, Inventory, Reference, Seal, digest_of, packed, unpacked
from penstock.evidence.verifying import Window, verify
from tests.evidence.sealed import ACME_NINE, NINE_MS, SealedWorld, kinds, three_hours

DAY_MS = 24 * HOUR_MS
SIXTH = "sha256:" + "6" * 64


def a_record(world: SealedWorld, folder: str = ACME_NINE) -> str:
    return next(iter(world.bucket.list(folder)))


def test_what_nobody_touched_is_sound_and_was_all_read() -> None:
    verified = three_hours().verify()
    assert verified.findings == []
    assert (verified.seals, verified.inventories, verified.objects) == (3, 6, 9)
    assert verified.head.number == 3


def test_a_record_that_is_gone_is_missing() -> None:
    world = three_hours()
    key = a_record(world)
    world.bucket.remove(key)
    assert world.found() == [("missing", key)]
    assert not world.verify().is_sound


def test_a_whole_organisation_that_is_gone_is_missing() -> None:
    world = three_hours()
    for key in [*world.bucket.list("org=other/"), *world.bucket.list("seal/org=other/")]:
        world.bucket.remove(key)
    assert kinds(world.verify().findings) == ["inventory_missing"] * 3


@pytest.mark.parametrize("body", [b"", b"{}", layout.pack(b"{}")[:-1]])
def test_a_record_that_was_replaced_or_cut_is_changed(body: bytes) -> None:
    world = three_hours()
    key = a_record(world)
    world.bucket.replace(key, body)
    assert world.found() == [("changed", key)]


def test_two_records_in_each_other_s_place_are_changed() -> None:
    world = SealedWorld()
    one, other = world.store(body=b"1"), world.store(body=b"2")
    world.seal()
    world.bucket.swap(one, other)
    assert world.found() == [("changed", one), ("changed", other)]


def test_a_forged_record_in_a_sealed_hour_is_told_until_a_seal_names_it_and_after() -> None:
    """The sealer cannot know a forgery from a late record: it says that it came late."""
    world = three_hours()
    forged = world.store(NINE_MS)
    assert world.found() == [("waiting", forged)]
    for _ in range(24):
        world.hours_later()
    assert world.found() == [("late", forged)]


def test_a_record_that_is_older_than_any_late_one_can_be_is_no_evidence() -> None:
    world = three_hours()
    world.now_ms += (LOOKS_H[-1] + 2) * HOUR_MS
    world.seal()
    forged = world.store(NINE_MS)
    assert world.found() == [("added", forged)]
    assert not world.verify().is_sound


def test_a_replaced_inventory_is_changed_and_its_objects_prove_nothing() -> None:
    world = three_hours()
    key = world.inventories()[0]
    world.bucket.replace(key, packed(Inventory(ACME_NINE, [])))
    assert world.found()[0] == ("inventory_changed", key)
    assert not world.verify().is_sound


RECORD = "01a2027b-d681-7030-b030-303030303031.terminal.json.gz"


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        f"copies/{RECORD}",
        RECORD.replace("terminal", "amendment.delivery.spy.x"),
        RECORD.replace("01a2027b", "01a202b2"),
        RECORD.replace("01a2027b-d681", "ffffffff-ffff"),
    ],
    ids=("another name", "below", "a kind that there is not", "an hour later", "no time"),
)
def test_what_is_sealed_and_no_evidence_by_its_name_or_of_another_hour_is_foreign(name: str) -> None:
    """The sealer lists what is there, whoever put it there."""
    world = SealedWorld()
    world.bucket.put_once(ACME_NINE + name, b"x")
    world.store()
    world.seal()
    assert world.found() == [("foreign", ACME_NINE + name)]
    assert not world.verify().is_sound
    assert "was sealed" in world.verify().findings[0].said


def test_a_folder_in_another_spelling_is_no_hour_of_evidence() -> None:
    world = SealedWorld()
    key = f"org=acme/dt=2026-11-22/hour=9/{RECORD}"
    world.bucket.put_once(key, b"x")
    world.seal()
    assert world.found() == [("foreign", key)]


def test_what_is_foreign_and_not_sealed_is_told_as_that_alone() -> None:
    world = three_hours()
    world.bucket.put_once(f"{ACME_NINE}notes.txt", b"x")
    assert world.found() == [("foreign", f"{ACME_NINE}notes.txt")]
    assert "was sealed" not in world.verify().findings[0].said


@pytest.mark.parametrize(
    "move",
    [
        lambda key: key.removeprefix("seal/"),
        lambda key: f"elsewhere/{key}",
        lambda key: key.replace("/hour=", "/x/hour="),
        lambda key: key.replace("000000000001.", "000000000007."),
    ],
    ids=("beside the evidence", "in another folder", "in no hour", "made for another seal"),
)
def test_an_inventory_that_a_seal_names_where_none_lies_proves_nothing(move: Callable[[str], str]) -> None:
    world = SealedWorld()
    world.store()
    world.seal()
    seal = unpacked(Seal, world.bucket.get(layout.seal_key(1)) or b"")
    assert seal is not None
    moved = move(seal.inventories[0].key)
    world.bucket.put_once(moved, world.bucket.remove(seal.inventories[0].key))
    seal.inventories[0].key = moved
    world.bucket.replace(layout.seal_key(1), packed(seal))
    world.notes._note = SealNote(1, digest_of(packed(seal)), NINE_MS)
    assert ("inventory_foreign", moved) in world.found()
    assert not world.verify(Window("other")).is_sound


def test_an_inventory_that_is_gone_is_missing() -> None:
    world = three_hours()
    key = world.inventories()[0]
    world.bucket.remove(key)
    assert world.found()[0] == ("inventory_missing", key)


def test_a_seal_that_is_gone_from_the_middle_is_missing() -> None:
    world = three_hours()
    world.bucket.remove(layout.seal_key(2))
    assert ("seal_missing", layout.seal_key(2)) in world.found()


def test_a_seal_that_was_rewritten_is_not_the_one_that_the_next_follows() -> None:
    world = three_hours()
    seal = unpacked(Seal, world.bucket.get(layout.seal_key(2)) or b"")
    assert seal is not None
    seal.inventories = []
    world.bucket.replace(layout.seal_key(2), packed(seal))
    assert ("seal_changed", layout.seal_key(2)) in world.found()


def test_seals_in_another_order_are_changed() -> None:
    world = three_hours()
    world.bucket.swap(layout.seal_key(1), layout.seal_key(2))
    found = world.found()
    assert ("seal_changed", layout.seal_key(1)) in found
    assert ("seal_changed", layout.seal_key(2)) in found


@pytest.mark.parametrize("body", [b"", b"no gzip", layout.pack(b"{}"), layout.pack(b'{"number":2}')])
def test_what_is_no_seal_any_more_is_changed(body: bytes) -> None:
    world = three_hours()
    world.bucket.replace(layout.seal_key(2), body)
    assert ("seal_changed", layout.seal_key(2)) in world.found()


def test_a_chain_that_was_cut_short_is_known_by_the_note() -> None:
    world = three_hours()
    for key in [layout.seal_key(2), layout.seal_key(3)]:
        world.bucket.remove(key)
    found = world.found()
    assert ("seal_missing", layout.seal_key(2)) in found
    assert ("seal_missing", layout.seal_key(3)) in found


def test_the_newest_seal_forged_is_known_by_the_note() -> None:
    world = three_hours()
    third = unpacked(Seal, world.bucket.get(layout.seal_key(3)) or b"")
    assert third is not None
    third.inventories = third.inventories[:1]
    world.bucket.replace(layout.seal_key(3), packed(third))
    assert ("seal_changed", layout.seal_key(3)) in world.found()


def rewritten(world: SealedWorld) -> None:
    """All from seal 2 on made anew without one organisation, as if it had never been."""
    previous = digest_of(world.bucket.get(layout.seal_key(1)) or b"")
    for number in (2, 3):
        seal = unpacked(Seal, world.bucket.get(layout.seal_key(number)) or b"")
        assert seal is not None
        seal.previous = previous
        seal.inventories = [one for one in seal.inventories if "org=other" not in one.key]
        world.bucket.replace(layout.seal_key(number), packed(seal))
        previous = digest_of(packed(seal))
    for key in [key for key in world.bucket.list("org=other/") if "hour=09" not in key]:
        world.bucket.remove(key)


def test_a_chain_that_was_made_anew_is_known_by_the_note() -> None:
    world = three_hours()
    rewritten(world)
    assert ("seal_changed", layout.seal_key(3)) in world.found()


def test_a_chain_made_anew_with_its_note_is_known_by_a_digest_kept_elsewhere() -> None:
    """Who rewrites bucket and ledger both is found out by an auditor who wrote one digest down."""
    world = three_hours()
    kept = Known(2, digest_of(world.bucket.get(layout.seal_key(2)) or b""), "--expect")
    rewritten(world)
    world.notes._note = None
    assert "seal_changed" not in kinds(world.verify().findings), "what is not provable without"
    assert kinds(world.verify().findings) == ["seal_unnoted"]
    assert ("seal_changed", layout.seal_key(2)) in world.found(None, kept)


def test_a_seal_ahead_of_the_note_by_one_is_a_run_that_broke_off() -> None:
    world = three_hours()
    note = world.notes.latest()
    world.hours_later()
    world.notes._note = note
    assert world.verify().is_sound
    world.hours_later()
    world.notes._note = note
    assert world.found() == [("seal_unnoted", layout.seal_key(5))]


def test_a_fork_is_foreign() -> None:
    """Two seals that follow the same one cannot both be there: the number is taken by the first."""
    world = three_hours()
    second = digest_of(world.bucket.get(layout.seal_key(2)) or b"")
    reference = Reference("seal/org=acme/dt=2026-11-22/hour=11/000000000004.0.json.gz", SIXTH, 1)
    fork = Seal(4, "2026-11-22T12:00:00.000Z", second, "2026-11-22T12:00:00.000Z", [reference])
    world.bucket.put_once(layout.seal_key(4), packed(fork))
    world.bucket.put_once(f"{layout.CHAIN}seal.json.gz", packed(fork))
    assert world.found() == [
        ("seal_foreign", layout.seal_key(4)),
        ("seal_foreign", f"{layout.CHAIN}seal.json.gz"),
    ]


def test_one_organisation_is_looked_at_alone_and_the_chain_whole() -> None:
    world = three_hours()
    gone = a_record(world, "org=other/")
    world.bucket.remove(gone)
    assert world.found(Window("acme")) == []
    assert world.verify(Window("acme")).objects == 6
    assert world.verify(Window("acme")).seals == 3
    assert world.found(Window("other")) == [("missing", gone)]


def test_some_hours_are_looked_at_alone() -> None:
    world = three_hours()
    verified = world.verify(Window(first_ms=NINE_MS + HOUR_MS, last_ms=NINE_MS + HOUR_MS))
    assert (verified.inventories, verified.objects) == (2, 3)


def test_a_sealer_that_stopped_leaves_a_gap_that_is_told() -> None:
    world = three_hours()
    world.now_ms += 4 * HOUR_MS
    assert world.found() == [("behind", layout.seal_key(3))]


def test_a_deployment_without_seals_is_behind() -> None:
    assert kinds(SealedWorld().verify().findings) == ["behind"]


def test_the_same_object_named_twice_with_two_digests_is_changed() -> None:
    """Whoever changes an object and takes its inventory away cannot have it sealed anew unseen."""
    world = three_hours()
    key = a_record(world)
    inventory = next(one for one in world.inventories() if "hour=09" in one and "acme" in one)
    kept = world.bucket.remove(inventory)
    world.bucket.replace(key, b"forged")
    for _ in range(24):
        world.hours_later()
    assert ("inventory_missing", inventory) in world.found()
    world.bucket.put_once(inventory, kept)
    said = [finding.said for finding in world.verify().findings if finding.key == key]
    assert any("names another object than an earlier one" in text for text in said)


def test_progress_is_told_hour_by_hour() -> None:
    world, told = three_hours(), list[str]()
    verify(world.bucket, [], Window("acme"), world.now_ms, told.append)
    assert told[-1] == "3 of 3 hours, 6 objects"
