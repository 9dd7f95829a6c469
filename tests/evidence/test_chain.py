from __future__ import annotations

from penstock.adapters.objects import MemoryObjects
from penstock.evidence import layout
from penstock.evidence.chain import HARMLESS, Finding, Known, read_chain
from penstock.evidence.record import timestamp
from penstock.evidence.seals import HOUR_MS, Seal, digest_of, packed
from tests.evidence.sealed import NINE_MS

NOTE = "the ledger"


def chained(count: int, first: int = 1) -> tuple[MemoryObjects, list[str]]:
    """That many seals that follow each other, and their digests."""
    objects, digests = MemoryObjects(), list[str]()
    for number in range(first, first + count):
        previous = digests[-1] if digests else None
        through = timestamp(NINE_MS + number * HOUR_MS)
        stored = packed(Seal(number, timestamp(NINE_MS), previous, through))
        objects.put_once(layout.seal_key(number), stored)
        digests.append(digest_of(stored))
    return objects, digests


def test_a_chain_is_read_back_from_what_is_known_and_told_from_its_first() -> None:
    objects, digests = chained(450)
    chain = read_chain(objects, [Known(450, digests[-1], NOTE)])
    assert [seal.number for seal in chain.seals] == list(range(1, 451))
    assert chain.findings == []
    assert (chain.head.number, chain.head.through_ms) == (450, NINE_MS + 450 * HOUR_MS)


def test_an_empty_bucket_has_an_empty_chain() -> None:
    assert read_chain(MemoryObjects(), []).findings == []


def test_an_empty_bucket_whose_ledger_knows_of_seals_has_lost_them() -> None:
    chain = read_chain(MemoryObjects(), [Known(2, "sha256:" + "0" * 64, NOTE)])
    assert [finding.key for finding in chain.findings] == [layout.seal_key(2), layout.seal_key(1)]
    assert {finding.kind for finding in chain.findings} == {"seal_missing"}


def test_a_number_far_beyond_what_is_there_is_told_in_one_finding() -> None:
    """Of a number of eight digits each missing seal took its own, and minutes and gigabytes."""
    objects, digests = chained(3)
    given = Known(99_999_999, "sha256:" + "0" * 64, "--expect")
    chain = read_chain(objects, [Known(3, digests[2], NOTE), given])
    (finding,) = chain.findings
    assert (finding.kind, finding.key) == ("seal_missing", layout.seal_key(99_999_999))
    assert "None of the seals 4 to 99999999 is there" in finding.said
    assert [seal.number for seal in chain.seals] == [1, 2, 3]


def test_without_a_note_a_seal_of_any_number_is_read_back_to_what_is_there() -> None:
    objects, _ = chained(2)
    planted = packed(Seal(10**12 - 1, timestamp(NINE_MS), "sha256:" + "0" * 64))
    objects.put_once(layout.seal_key(10**12 - 1), planted)
    found = [(finding.kind, finding.key) for finding in read_chain(objects, []).findings]
    assert ("seal_missing", layout.seal_key(10**12 - 2)) in found
    assert len(found) == 2


def test_a_gap_in_the_middle_is_named_seal_by_seal() -> None:
    objects, _ = chained(1)
    later, digests = chained(2, first=4)
    for number in (4, 5):
        objects.put_once(layout.seal_key(number), later.get(layout.seal_key(number)) or b"")
    chain = read_chain(objects, [Known(5, digests[-1], NOTE)])
    missing = [finding.key for finding in chain.findings if finding.kind == "seal_missing"]
    assert missing == [layout.seal_key(3), layout.seal_key(2)]


def test_the_digest_of_one_seal_under_another_number_is_no_seal_that_was_kept() -> None:
    objects, digests = chained(3)
    found = read_chain(objects, [Known(7, digests[2], "--expect")]).findings
    assert [finding.key for finding in found] == [layout.seal_key(number) for number in (7, 6, 5, 4)]


def test_there_is_no_seal_before_the_first() -> None:
    objects, digests = chained(1)
    objects.put_once(layout.seal_key(0), packed(Seal(0, timestamp(NINE_MS))))
    (finding,) = read_chain(objects, [Known(1, digests[0], NOTE)]).findings
    assert (finding.kind, finding.key) == ("seal_foreign", layout.seal_key(0))


def test_without_a_note_the_end_of_the_chain_is_said_to_be_unproven() -> None:
    objects, _ = chained(3)
    chain = read_chain(objects, [])
    assert [(finding.kind, finding.key) for finding in chain.findings] == [
        ("seal_unnoted", layout.seal_key(3))
    ]
    assert len(chain.seals) == 3


def test_an_older_digest_that_somebody_kept_is_held_against_the_chain_too() -> None:
    objects, digests = chained(3)
    note = Known(3, digests[2], NOTE)
    assert read_chain(objects, [note, Known(1, digests[0], "--expect")]).findings == []
    (finding,) = read_chain(objects, [note, Known(1, digests[1], "--expect")]).findings
    assert (finding.kind, finding.key) == ("seal_changed", layout.seal_key(1))
    assert "--expect" in finding.said


def test_only_what_came_late_or_will_be_sealed_is_harmless() -> None:
    assert {"late", "waiting"} == HARMLESS
    assert not Finding("late", "a", "").is_fault
    assert Finding("added", "a", "").is_fault
