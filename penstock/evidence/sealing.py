"""The sealer: inventories of what is in the bucket, and one more seal in their chain. Run once an hour.

    find the chain's end → list the hours that are due → read and digest what no inventory lists
        → store inventories → store the seal → note it in the ledger

A crash anywhere leaves inventories that no seal names; the next run makes the same ones again. Two sealers
cannot both store the next seal: its number is its key, and the first stored stays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from penstock.adapters.objects import Objects, PutOnce
from penstock.adapters.seal_note import SealNote, SealNotes
from penstock.errors import StorageError
from penstock.evidence import layout
from penstock.evidence.record import timestamp
from penstock.evidence.seals import (
    HOUR_MS,
    Head,
    Inventory,
    Item,
    Reference,
    Seal,
    digest_of,
    head_of,
    packed,
    unpacked,
)

# What the sweeper closes is stored 16 minutes after the request at the earliest, and 21 at the latest.
GRACE_MS: Final = 30 * 60_000
# How many hours after it was over an hour is looked at: for late outcomes, amendments, deliveries.
LOOKS_H: Final = (0, 1, 2, *(24 * day for day in range(1, 32)))
PAGE: Final = 2000  # objects of an inventory: some 300 KB before packing
AT_ONCE: Final = 8  # reads side by side; botocore keeps ten connections
MAX_REFERENCES: Final = 500

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sealed:
    """What one run did. `is_whole`: it looked at all that was due. `is_idle`: nothing was due yet."""

    head: Head
    objects: int = 0
    seals: int = 0
    is_whole: bool = False
    is_idle: bool = False


class _OvertakenError(Exception):
    """Another sealer has stored the seal of this number."""


class Sealer:
    """Seals one bucket. `now_ms` gives Unix milliseconds; an hour is over `grace_ms` after its end."""

    def __init__(
        self,
        objects: Objects,
        notes: SealNotes,
        now_ms: Callable[[], int],
        grace_ms: int = GRACE_MS,
        page: int = PAGE,
    ) -> None:
        self._objects = objects
        self._notes = notes
        self._now_ms = now_ms
        self._grace_ms = grace_ms
        self._page = page

    def run(self, has_time: Callable[[], bool] = lambda: True) -> Sealed:
        """Seal what is due, while `has_time`: the rest is the next run's. Raises StorageError."""
        head = self._end_of_chain()
        until_ms = (self._now_ms() - self._grace_ms) // HOUR_MS * HOUR_MS - HOUR_MS
        if head.through_ms is not None and head.through_ms >= until_ms:
            return Sealed(head, is_idle=True)
        run = _Run(self._objects, self._notes, self._now_ms, self._page, Sealed(head))
        try:
            done = all(run.look_at(folder, has_time) for folder in self._due(head.through_ms, until_ms))
            run.seal(until_ms if done else head.through_ms)
            run.sealed.is_whole = done
        except _OvertakenError:
            log.warning("another sealer is at work: this one stops")
        return run.sealed

    def _end_of_chain(self) -> Head:
        """What was noted, and seals after it: a run may have ended before it wrote the note."""
        note = self._notes.latest()
        head = Head(note.number, note.digest, note.through_ms) if note else self._last_in_bucket()
        while (stored := self._objects.get(layout.seal_key(head.number + 1))) is not None:
            seal = unpacked(Seal, stored)
            if seal is not None and seal.number == head.number + 1 and seal.previous == head.digest:
                head = head_of(seal, stored)
            else:
                log.error("a seal that follows none is passed over: `penstock evidence verify` names it")
                head = replace(head, number=head.number + 1)
        return head

    def _last_in_bucket(self) -> Head:
        """Of a chain without a note: the ledger was lost, or there has been no seal yet."""
        head = Head()
        for key in self._objects.list(layout.CHAIN):
            stored = self._objects.get(key)
            seal = unpacked(Seal, stored) if stored is not None else None
            if stored is not None and seal is not None and layout.seal_key(seal.number) == key:
                head = head_of(seal, stored)
        return head

    def _due(self, through_ms: int | None, until_ms: int) -> Iterator[str]:
        """Folders of the hours to be looked at, oldest first; all that are over when there is no seal yet."""
        for organisation in self._objects.folders("org="):
            if through_ms is None:
                yield from self._all_hours(organisation, until_ms)
            else:
                who = layout.organisation_of(organisation)
                yield from (layout.hour_folder(who, hour) for hour in due_hours(through_ms, until_ms))

    def _all_hours(self, organisation: str, until_ms: int) -> Iterator[str]:
        for date in self._objects.folders(f"{organisation}dt="):
            for folder in self._objects.folders(f"{date}hour="):
                hour = layout.hour_of(folder)
                if hour is not None and hour <= until_ms:
                    yield folder


def due_hours(through_ms: int, until_ms: int) -> list[int]:
    """Hours that reach the age of one of the looks after `through_ms` and not after `until_ms`."""
    return sorted(
        {
            hour
            for look in LOOKS_H
            for hour in range(through_ms + HOUR_MS - look * HOUR_MS, until_ms - look * HOUR_MS + 1, HOUR_MS)
        }
    )


class _Run:
    """What one run has made and not yet sealed."""

    def __init__(
        self, objects: Objects, notes: SealNotes, now_ms: Callable[[], int], page: int, sealed: Sealed
    ) -> None:
        self._objects = objects
        self._notes = notes
        self._now_ms = now_ms
        self._page = page
        self._made: list[Reference] = []
        self._seals: dict[int, Seal | None] = {}
        self.sealed = sealed

    def look_at(self, folder: str, has_time: Callable[[], bool]) -> bool:
        """Make inventories of what none lists yet; False when time ran out before the end."""
        there = [key.removeprefix(folder) for key in self._objects.list(folder)] if has_time() else []
        known = self._listed(folder) if there else set()
        new = [name for name in there if name not in known]
        for start in range(0, len(new), self._page):
            if not has_time():
                return False
            self._store(folder, new[start : start + self._page])
        return has_time()

    def seal(self, through_ms: int | None) -> None:
        """Store the next seal and note it; nothing when it would say nothing new. Raises _OvertakenError."""
        head = self.sealed.head
        if not self._made and through_ms == head.through_ms:
            return
        seal = Seal(
            head.number + 1,
            timestamp(self._now_ms()),
            head.digest,
            None if through_ms is None else timestamp(through_ms),
            self._made,
        )
        stored = packed(seal)
        if self._objects.put_once(layout.seal_key(seal.number), stored) is PutOnce.DIFFERENT:
            raise _OvertakenError
        self.sealed.head = after = head_of(seal, stored)
        self.sealed.seals += 1
        self.sealed.objects += sum(reference.objects for reference in self._made)
        self._made = []
        self._notes.write(SealNote(after.number, digest_of(stored), through_ms))

    def _store(self, folder: str, names: Sequence[str]) -> None:
        if len(self._made) >= MAX_REFERENCES:
            self.seal(self.sealed.head.through_ms)
        items = list(read_items(self._objects, folder, names))
        if not items:
            return
        stored = packed(Inventory(folder, items))
        key = layout.inventory_key(folder, self.sealed.head.number + 1, stored)
        if self._objects.put_once(key, stored) is PutOnce.DIFFERENT:
            raise StorageError("store an inventory")
        self._made.append(Reference(key, digest_of(stored), len(items)))

    def _listed(self, folder: str) -> set[str]:
        """Names that an inventory lists which a seal names: others were left by a run that broke off."""
        found: set[str] = set()
        for key in self._objects.list(layout.inventory_folder(folder)):
            stored = self._objects.get(key) if self._seal_naming(key) else None
            inventory = unpacked(Inventory, stored) if stored is not None else None
            if inventory is not None and inventory.folder == folder:
                found.update(item.name for item in inventory.items)
        return found

    def _seal_naming(self, key: str) -> bool:
        number = layout.seal_number(key)
        if number is None or number > self.sealed.head.number:
            return False
        if number not in self._seals:
            stored = self._objects.get(layout.seal_key(number))
            self._seals[number] = unpacked(Seal, stored) if stored is not None else None
        seal = self._seals[number]
        return seal is not None and any(reference.key == key for reference in seal.inventories)


def read_items(objects: Objects, folder: str, names: Iterable[str]) -> Iterator[Item]:
    """Objects of an hour, digested as they are stored now, in the order of `names`; without what is gone."""
    names = list(names)
    with ThreadPoolExecutor(AT_ONCE) as readers:
        bodies = readers.map(objects.get, [folder + name for name in names])
        for name, body in zip(names, bodies, strict=True):
            if body is not None:
                yield Item(name, len(body), digest_of(body))
