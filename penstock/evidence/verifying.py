"""Holds what is in the bucket against its seals.

    chain of seals → inventories that they name → objects that these list, read and digested anew

What is proven and what is not: `docs/evidence.md`, "Seals".
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from penstock.adapters.objects import Objects
from penstock.evidence import layout
from penstock.evidence.chain import Chain, Finding, Kind, Known, read_chain
from penstock.evidence.record import timestamp
from penstock.evidence.sealing import LOOKS_H, PAGE, read_items
from penstock.evidence.seals import HOUR_MS, Head, Inventory, Item, Reference, digest_of, unix_ms, unpacked

BEHIND_MS: Final = 3 * HOUR_MS  # as the alarm


@dataclass(frozen=True, slots=True)
class Window:
    """What is looked at: hours that begin from `first_ms` to `last_ms`, of one organisation or of all."""

    organisation: str | None = None
    first_ms: int = 0
    last_ms: int = 2**53

    def admits(self, folder: str) -> bool:
        """Whether the hour's folder is in it."""
        hour = layout.hour_of(folder)
        inside = hour is not None and self.first_ms <= hour <= self.last_ms
        return inside and folder.startswith(self.prefix)

    @property
    def prefix(self) -> str:
        return layout.organisation_folder(self.organisation) if self.organisation else "org="


@dataclass(slots=True)
class Verified:
    """What was looked at and what was found. `head`: where the chain ends, to be noted elsewhere."""

    head: Head
    seals: int = 0
    inventories: int = 0
    objects: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        return not any(finding.is_fault for finding in self.findings)


class _Named(NamedTuple):
    """An inventory, and the number of the seal that names it."""

    seal: int
    reference: Reference


def verify(
    objects: Objects,
    known: Sequence[Known],
    window: Window,
    now_ms: int,
    tell: Callable[[str], None] = lambda _: None,
) -> Verified:
    """Read the whole chain, and of the window every inventory and object. Raises StorageError."""
    chain = read_chain(objects, known)
    verified = Verified(chain.head, seals=len(chain.seals), findings=list(chain.findings))
    verified.findings += _behind(chain, now_ms)
    verified.findings += _elsewhere(chain)
    named = _named(chain, window)
    folders = sorted(named.keys() | set(_hours(objects, window, chain.head.through_ms)))
    for number, folder in enumerate(folders, 1):
        hour = _Hour(objects, folder, verified, _closed_by(chain, folder))
        hour.look(named.get(folder, []), chain.head.through_ms or 0)
        tell(f"{number} of {len(folders)} hours, {verified.objects} objects")
    return verified


def _behind(chain: Chain, now_ms: int) -> Iterator[Finding]:
    through_ms = chain.head.through_ms
    if through_ms is None and not chain.findings:
        yield Finding("behind", layout.CHAIN, "Nothing has been sealed yet.")
    elif through_ms is not None and through_ms + HOUR_MS + BEHIND_MS < now_ms:
        said = f"The last hour that is sealed began at {timestamp(through_ms)}: is the sealer running?"
        yield Finding("behind", layout.seal_key(chain.head.number), said)


def _elsewhere(chain: Chain) -> Iterator[Finding]:
    """Inventories that a seal names where no sealer stores one: nothing looks at what they list."""
    for seal in chain.seals:
        for reference in seal.inventories:
            if _folder_of(seal.number, reference.key) is None:
                said = f"Seal {seal.number} names it, and none of its own can lie there: it proves nothing."
                yield Finding("inventory_foreign", reference.key, said)


def _named(chain: Chain, window: Window) -> dict[str, list[_Named]]:
    """By hour, in the order of their seals."""
    found: defaultdict[str, list[_Named]] = defaultdict(list)
    for seal in chain.seals:
        for reference in seal.inventories:
            folder = _folder_of(seal.number, reference.key)
            if folder is not None and window.admits(folder):
                found[folder].append(_Named(seal.number, reference))
    return found


def _folder_of(seal: int, key: str) -> str | None:
    """The hour's folder of which `key` is an inventory made for that seal; None when it is none."""
    folder = key.removeprefix(layout.inventory_folder("")).rpartition("/")[0] + "/"
    is_there = key.startswith(layout.inventory_folder(folder)) and layout.seal_number(key) == seal
    return folder if is_there and layout.hour_of(folder) is not None else None


def _closed_by(chain: Chain, folder: str) -> int:
    """The number of the seal with which the hour had been looked at: what a later one names came late."""
    throughs = [unix_ms(seal.through) or 0 for seal in chain.seals]
    place = bisect_left(throughs, layout.hour_of(folder) or 0)
    return chain.seals[place].number if place < len(throughs) else chain.head.number


def _hours(objects: Objects, window: Window, through_ms: int | None) -> Iterator[str]:
    """Folders in the bucket of hours that are sealed."""
    organisations = [window.prefix] if window.organisation else objects.folders("org=")
    for organisation in organisations:
        for date in objects.folders(f"{organisation}dt="):
            for folder in objects.folders(f"{date}hour="):
                if window.admits(folder) and (layout.hour_of(folder) or 0) <= (through_ms or 0):
                    yield folder


class _Hour:
    """One organisation's hour."""

    def __init__(self, objects: Objects, folder: str, verified: Verified, closed_by: int) -> None:
        self._objects = objects
        self._folder = folder
        self._verified = verified
        self._closed_by = closed_by

    def look(self, named: Sequence[_Named], through_ms: int) -> None:
        listed = self._listed(named)
        there = [key.removeprefix(self._folder) for key in self._objects.list(self._folder)]
        for name in sorted(listed.keys() - set(there)):
            self._find("missing", name, "It was sealed, and it is gone.")
        kept = [name for name in there if name in listed]
        for start in range(0, len(kept), PAGE):
            self._compare(kept[start : start + PAGE], listed)
        is_closed = (layout.hour_of(self._folder) or 0) + LOOKS_H[-1] * HOUR_MS <= through_ms
        for name in sorted(listed.keys() | set(there)):
            if not layout.is_evidence(self._folder, name):
                self._find("foreign", name, _foreign(is_sealed=name in listed))
            elif name in listed:
                continue
            elif is_closed:
                self._find("added", name, "No inventory lists it, and no sealer will: it is not evidence.")
            else:
                self._find("waiting", name, "It came after its hour was sealed; a later seal will name it.")

    def _listed(self, named: Sequence[_Named]) -> dict[str, Item]:
        listed: dict[str, Item] = {}
        for seal, reference in named:
            for item in self._items(reference):
                first = listed.setdefault(item.name, item)
                if first.sha256 != item.sha256:
                    self._find("changed", item.name, f"Seal {seal} names another object than an earlier one.")
                elif seal > self._closed_by:
                    self._find("late", item.name, f"It came after its hour was sealed: seal {seal} names it.")
        return listed

    def _items(self, reference: Reference) -> list[Item]:
        body = self._objects.get(reference.key)
        if body is None:
            said = f"It listed {reference.objects} objects, which nothing proves now."
            self._verified.findings.append(Finding("inventory_missing", reference.key, said))
            return []
        inventory = unpacked(Inventory, body)
        if digest_of(body) != reference.sha256 or inventory is None or inventory.folder != self._folder:
            said = "It is not the one that its seal names."
            self._verified.findings.append(Finding("inventory_changed", reference.key, said))
            return []
        self._verified.inventories += 1
        return inventory.items

    def _compare(self, names: Sequence[str], listed: dict[str, Item]) -> None:
        for item in read_items(self._objects, self._folder, names):
            self._verified.objects += 1
            if item != listed[item.name]:
                self._find("changed", item.name, "It is not what was sealed.")

    def _find(self, kind: Kind, name: str, said: str) -> None:
        self._verified.findings.append(Finding(kind, self._folder + name, said))


def _foreign(*, is_sealed: bool) -> str:
    whose = "It was sealed, but its" if is_sealed else "Its"
    return f"{whose} name is no evidence's, or that of another hour: nothing of Penstock wrote it."
