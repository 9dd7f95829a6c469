"""In-memory ports, and ones that fail at a step of the test's choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.adapters.ledger import MemoryLedger, Settlement, Settler
from penstock.adapters.objects import MemoryObjects, PutOnce
from penstock.adapters.queues import MemoryQueues
from penstock.errors import ConfigurationError, StorageError
from penstock.evidence.archive import Archive
from penstock.evidence.messages import outbox_message
from penstock.evidence.record import EvidenceRecord
from penstock.evidence.recorder import Dispatcher, Recorder
from penstock.evidence.sweeper import Sweeper

NOW_MS = 1_795_339_000_000
AGE_MS = 60_000


class CrashError(BaseException):
    """The environment ends here: nothing catches this."""


@dataclass
class Trap:
    """Counts steps, and ends the run at one of them, before or after what it does."""

    at: int = -1
    after: bool = False
    error: Callable[[], BaseException] = CrashError
    steps: int = 0

    def step(self, call: Callable[[], Any]) -> Any:
        number, self.steps = self.steps, self.steps + 1
        if number == self.at and not self.after:
            raise self.error()
        found = call()
        if number == self.at:
            raise self.error()
        return found


class TrappedObjects(MemoryObjects):
    def __init__(self) -> None:
        super().__init__()
        self.trap = Trap()

    def put_once(self, key: str, body: bytes) -> PutOnce:
        found: PutOnce = self.trap.step(lambda: super(TrappedObjects, self).put_once(key, body))
        return found


class TrappedLedger(MemoryLedger):
    def __init__(self) -> None:
        super().__init__()
        self.trap = Trap()

    def settle(self, request_id: str, by: Settler, now_ms: int) -> Settlement:
        found: Settlement = self.trap.step(lambda: super(TrappedLedger, self).settle(request_id, by, now_ms))
        return found

    def lease(self, request_id: str, now_ms: int, until_ms: int) -> bool:
        found: bool = self.trap.step(lambda: super(TrappedLedger, self).lease(request_id, now_ms, until_ms))
        return found


class TrappedQueues(MemoryQueues):
    def __init__(self) -> None:
        super().__init__()
        self.trap = Trap()
        self.missing = ""

    def send(self, queue_url: str, body: str, delay_s: int = 0) -> None:
        if queue_url == self.missing:
            raise ConfigurationError("a queue", "does not exist.")
        self.trap.step(lambda: super(TrappedQueues, self).send(queue_url, body, delay_s))


def queue_url(plugin: str) -> str:
    return f"queue:{plugin}"


@dataclass
class Backstage:
    """Recorder and sweeper over ports in memory, on a clock that a test moves."""

    objects: TrappedObjects = field(default_factory=TrappedObjects)
    ledger: TrappedLedger = field(default_factory=TrappedLedger)
    queues: TrappedQueues = field(default_factory=TrappedQueues)
    now_ms: int = NOW_MS

    def trap(self, at: int, *, after: bool, error: Callable[[], BaseException] = CrashError) -> Trap:
        trap = Trap(at, after, error)
        self.objects.trap = self.ledger.trap = self.queues.trap = trap
        return trap

    @property
    def recorder(self) -> Recorder:
        return Recorder(Archive(self.objects), self.ledger, self._dispatcher(), lambda: self.now_ms)

    @property
    def sweeper(self) -> Sweeper:
        return Sweeper(Archive(self.objects), self.ledger, self._dispatcher(), lambda: self.now_ms, AGE_MS)

    def open(self, record: EvidenceRecord, facts: Mapping[str, Any]) -> None:
        self.ledger.open_intent(record.request_id, self.now_ms, facts)

    def open_ids(self) -> list[str]:
        return [intent.request_id for intent in self.ledger.open_before(self.now_ms + 10**12)]

    def stored_keys(self) -> list[str]:
        return list(self.objects.list(""))

    def _dispatcher(self) -> Dispatcher:
        return Dispatcher(self.queues, queue_url)


def outbox_body(record: EvidenceRecord, *plugins: str) -> str:
    return outbox_message(record, plugins).decode()


def storage_failure() -> StorageError:
    return StorageError("do what a test wants to fail")
