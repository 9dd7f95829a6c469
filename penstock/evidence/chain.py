"""Walks the chain of seals: which of those that are there belong to it, and what is wrong with it.

Every seal follows the one before by its digest, so that one seal known to be right (the note in the ledger,
or a digest that somebody wrote down elsewhere) proves all before it. What nothing follows yet is proven by
the note alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Literal, NamedTuple

from penstock.adapters.objects import Objects
from penstock.evidence import layout
from penstock.evidence.sealing import AT_ONCE
from penstock.evidence.seals import Head, Seal, digest_of, head_of, unix_ms, unpacked

CHUNK: Final = 200  # seals in memory before they are digested
MOST_MISSING: Final = 1000  # seals in a row that are named each; of more only the first and the last
UNKNOWN: Final = ""  # stands for the digest of a seal that nothing which is left tells

Kind = Literal[
    "missing",
    "changed",
    "added",
    "foreign",
    "late",
    "waiting",
    "inventory_missing",
    "inventory_changed",
    "inventory_foreign",
    "seal_missing",
    "seal_changed",
    "seal_foreign",
    "seal_unnoted",
    "behind",
]
# What is no fault: an addition that a later seal names, and one that the next will.
HARMLESS: Final = frozenset({"late", "waiting"})


class Finding(NamedTuple):
    """Something that is not as sealed. `key`: the object that it is about. `said`: what that means."""

    kind: Kind
    key: str
    said: str

    @property
    def is_fault(self) -> bool:
        return self.kind not in HARMLESS


class Known(NamedTuple):
    """A seal that is known to be right, and from where."""

    number: int
    digest: str
    where: str


class Stored(NamedTuple):
    """What the bucket has under a seal's number; `seal` is None when it is no seal, or another's."""

    seal: Seal | None
    head: Head


@dataclass(slots=True)
class Chain:
    """`seals`: those that belong to it, first to last. `head`: where it ends."""

    head: Head = field(default_factory=Head)
    seals: list[Seal] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def read_chain(objects: Objects, known: Sequence[Known]) -> Chain:
    """The chain as it is in the bucket: back from the newest of `known`, then on to what came after it."""
    chain = Chain()
    stored = _stored(objects, chain)
    if not known and not stored:
        return chain
    if not known:
        newest = stored[max(stored)].head
        said = "The ledger has no note of it: that the chain ends here is not proven."
        chain.findings.append(Finding("seal_unnoted", layout.seal_key(newest.number), said))
        known = [Known(newest.number, newest.digest or UNKNOWN, "the bucket")]
    anchor = max(known, key=lambda one: one.number)
    _back(chain, stored, anchor)
    _on(chain, stored, anchor)
    for one in known:
        there = stored.get(one.number)
        if one is not anchor and there is not None and there.head.digest != one.digest:
            chain.findings.append(_changed(one.number, f"It is not the one of {one.where}."))
    return chain


def _stored(objects: Objects, chain: Chain) -> dict[int, Stored]:
    found: dict[int, Stored] = {}
    keys = objects.list(layout.CHAIN)
    while chunk := list(islice(keys, CHUNK)):
        with ThreadPoolExecutor(AT_ONCE) as readers:
            bodies = list(readers.map(objects.get, chunk))
        for key, body in zip(chunk, bodies, strict=True):
            number = layout.seal_number(key)
            if not number or layout.seal_key(number) != key:
                chain.findings.append(Finding("seal_foreign", key, "Its name is no seal's."))
            elif body is not None:
                found[number] = _read(number, body)
    return found


def _read(number: int, body: bytes) -> Stored:
    seal = unpacked(Seal, body)
    if seal is None or seal.number != number:
        return Stored(None, Head(number, digest_of(body)))
    return Stored(seal, head_of(seal, body))


def _back(chain: Chain, stored: Mapping[int, Stored], anchor: Known) -> None:
    """From the anchor to the first: each seal says which one came before it."""
    numbers = {found.head.digest: number for number, found in stored.items() if found.seal is not None}
    expected = anchor.digest
    seals = []
    for run in _runs(stored, anchor.number):
        number, is_anchor = run[0], run[-1] == anchor.number
        found = stored.get(number)
        if found is not None and found.seal is not None and expected in {UNKNOWN, found.head.digest}:
            seals.append(found.seal)
            expected = found.seal.previous or UNKNOWN
        elif not is_anchor and numbers.get(expected, number) < number:  # the chain passes over it
            chain.findings += [] if found is None else [_foreign(number)]
        else:
            chain.findings += _missing(run) if found is None else [_changed(number, _OTHER)]
            expected = UNKNOWN
    chain.seals = seals[::-1]
    through = max((unix_ms(seal.through) or 0 for seal in seals), default=0)
    chain.head = Head(anchor.number, anchor.digest, through or None)


def _runs(stored: Mapping[int, Stored], newest: int) -> Iterator[range]:
    """All numbers from `newest` down: each that is stored by itself, what is missing in a row at once.

    Whoever writes a note, or a seal's name, can write any number: what is read is bounded by what is there.
    """
    above = newest
    for number in sorted((number for number in stored if number <= newest), reverse=True):
        if number < above:
            yield range(number + 1, above + 1)
        yield range(number, number + 1)
        above = number - 1
    if above:
        yield range(1, above + 1)


def _on(chain: Chain, stored: Mapping[int, Stored], anchor: Known) -> None:
    """What came after the anchor: a run may have ended before it noted its seal, and only one."""
    for number in sorted(number for number in stored if number > anchor.number):
        found = stored[number]
        if found.seal is None or found.seal.previous != chain.head.digest:
            chain.findings.append(_foreign(number))
            continue
        chain.seals.append(found.seal)
        chain.head = found.head
        if number > anchor.number + 1:
            said = f"It follows, but {anchor.where} knows neither it nor the one before it."
            chain.findings.append(Finding("seal_unnoted", layout.seal_key(number), said))


_OTHER = "It is not the one that the chain goes on from."


def _missing(numbers: range) -> Iterator[Finding]:
    first, last = numbers[0], numbers[-1]
    if len(numbers) > MOST_MISSING:
        said = (
            f"None of the seals {first} to {last} is there: check the number that was given for the newest."
        )
        yield Finding("seal_missing", layout.seal_key(last), said)
        return
    for number in reversed(numbers):
        yield Finding("seal_missing", layout.seal_key(number), "There was a seal of this number.")


def _changed(number: int, said: str) -> Finding:
    return Finding("seal_changed", layout.seal_key(number), said)


def _foreign(number: int) -> Finding:
    return Finding("seal_foreign", layout.seal_key(number), "It follows no seal: a fork, or no seal at all.")
