"""A bucket with evidence of some hours, a clock, the sealer over both, and what an attacker could do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from penstock.adapters.objects import MemoryObjects, PutOnce
from penstock.adapters.seal_note import MemorySealNotes, SealNote
from penstock.evidence import layout
from penstock.evidence.chain import Finding, Known
from penstock.evidence.sealing import Sealed, Sealer
from penstock.evidence.seals import HOUR_MS
from penstock.evidence.verifying import Verified, Window, verify
from penstock.ids import uuid7
from tests.evidence.ports import Trap

NINE_MS = 1_795_338_000_000  # 2026-11-22T09:00:00Z
ACME_NINE = "org=acme/dt=2026-11-22/hour=09/"


class Bucket(MemoryObjects):
    """One whose calls a test can end, and in which it can do what the bucket's policy forbids."""

    def __init__(self) -> None:
        super().__init__()
        self.trap = Trap()

    def put_once(self, key: str, body: bytes) -> PutOnce:
        found: PutOnce = self.trap.step(lambda: super(Bucket, self).put_once(key, body))
        return found

    def replace(self, key: str, body: bytes) -> None:
        assert key in self._bodies
        self._bodies[key] = body

    def remove(self, key: str) -> bytes:
        return self._bodies.pop(key)

    def swap(self, one: str, other: str) -> None:
        self._bodies[one], self._bodies[other] = self._bodies[other], self._bodies[one]


class Notes(MemorySealNotes):
    def __init__(self) -> None:
        super().__init__()
        self.trap = Trap()

    def write(self, note: SealNote) -> None:
        self.trap.step(lambda: super(Notes, self).write(note))


@dataclass
class SealedWorld:
    """It begins at 10:35, when the hour from nine to ten is over."""

    bucket: Bucket = field(default_factory=Bucket)
    notes: Notes = field(default_factory=Notes)
    now_ms: int = NINE_MS + HOUR_MS + 35 * 60_000
    page: int = 2000
    stored: int = 0

    def store(self, hour_ms: int = NINE_MS, organisation: str | None = "acme", body: bytes = b"{}") -> str:
        """A record of a request of that hour; its key."""
        self.stored += 1
        key = layout.terminal_key(organisation, uuid7(hour_ms + self.stored, b"%010d" % self.stored))
        self.bucket.put_once(key, layout.pack(body))
        return key

    @property
    def sealer(self) -> Sealer:
        return Sealer(self.bucket, self.notes, lambda: self.now_ms, page=self.page)

    def seal(self, has_time: Callable[[], bool] = lambda: True) -> Sealed:
        return self.sealer.run(has_time)

    def hours_later(self, hours: int = 1) -> Sealed:
        """The next run, so many hours on."""
        self.now_ms += hours * HOUR_MS
        return self.seal()

    def trap(self, at: int, *, after: bool) -> Trap:
        self.bucket.trap = self.notes.trap = trap = Trap(at, after)
        return trap

    def seals(self) -> list[str]:
        return list(self.bucket.list(layout.CHAIN))

    def inventories(self) -> list[str]:
        return list(self.bucket.list("seal/org="))

    def verify(self, window: Window | None = None, *known: Known) -> Verified:
        note = self.notes.latest()
        noted = [Known(note.number, note.digest, "the ledger")] if note else []
        return verify(self.bucket, [*noted, *known], window or Window(), self.now_ms)

    def found(self, window: Window | None = None, *known: Known) -> list[tuple[str, str]]:
        """Kind and key of what verifying finds."""
        return sorted((finding.kind, finding.key) for finding in self.verify(window, *known).findings)


def kinds(findings: list[Finding]) -> list[str]:
    return sorted(finding.kind for finding in findings)


def three_hours() -> SealedWorld:
    """Two organisations, three hours, each sealed when it was over."""
    world = SealedWorld()
    for hour in range(3):
        world.store(NINE_MS + hour * HOUR_MS)
        world.store(NINE_MS + hour * HOUR_MS)
        world.store(NINE_MS + hour * HOUR_MS, "other")
        world.now_ms = NINE_MS + (hour + 1) * HOUR_MS + 35 * 60_000
        world.seal()
    return world
