"""One built-in exporter in its host, behind a queue: all is real but AWS, who receives and the clock.

The queue is SQS's in memory, with its visibility and its dead letters; its consumer does what Lambda does.
Nobody waits: one clock, which sleeping moves, is the plugin's, the host's and the queue's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import httpx

from penstock.adapters.queue_poll import MemoryPolledQueue, PolledMessage
from penstock.adapters.resources import MAX_RECEIVES, VISIBILITY_S
from penstock.adapters.workflows import MemoryRuns
from penstock.background.capabilities import Ways
from penstock.background.host import Attempt, BackgroundPlugin, DeliveryFailedError, Parts, PluginHost
from penstock.background.starting import Workflows
from penstock.background.steps import STEP, StepHost, StepParts, SteppingPlugin
from penstock.errors import StorageError
from penstock.evidence import layout
from penstock.evidence.delivery import DeliveryRecord
from penstock.evidence.digests import DigestKey
from penstock.evidence.messages import delivery_message
from penstock.evidence.record import EvidenceRecord
from penstock.evidence.schema import decode
from penstock.gates.deadline import Deadlines
from penstock.gates.placement import Placement
from penstock.sdk.context import RecordSpec
from penstock.sdk.contract import Terms
from penstock.sdk.exports import Exports, MemoryExports
from penstock.sdk.loading import LoadedPlugin, load_plugin
from penstock.sdk.manifest import Manifest, hosts_by_key
from penstock.sdk.steps import read_steps
from penstock.sdk.storage import MemoryStorage
from tests.background.fakes import FakeMail
from tests.evidence import examples
from tests.evidence.ports import NOW_MS, CrashError, Trap, TrappedLedger, TrappedObjects
from tests.plugins.every_door import folder_of

FUNCTION_S = 60.0


class Time:
    """Seconds that pass when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


class RotatedSecrets:
    """Values that were read once are kept until somebody asks for fresh ones, as in a function."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.now = dict(values)
        self._kept: dict[str, str] = {}

    def get(self, name: str, *, fresh: bool = False) -> str:
        if fresh or name not in self._kept:
            self._kept[name] = self.now[name]
        return self._kept[name]


class Lane:
    """One exporter's queue, its function's environment, its receiver, and what it left as records."""

    def __init__(
        self,
        plugin: str,
        config: Mapping[str, Any],
        secrets: Mapping[str, str],
        receiver: httpx.BaseTransport,
        *,
        timeout_ms: int | None = None,
        local: bool = False,
    ) -> None:
        self.plugin, self.config = plugin, dict(config)
        self.receiver, self.local, self.timeout_ms = receiver, local, timeout_ms
        self.secrets = RotatedSecrets(secrets)
        self.time = Time()
        self.noted: Mapping[str, float | str] | None = None
        """What the exporter itself has left in each record, at the gate before."""
        self.objects = TrappedObjects()
        self.dead = MemoryPolledQueue(clock=self.time)
        self.queue = MemoryPolledQueue(self.dead, most_receives=MAX_RECEIVES, clock=self.time)
        self.storage, self.mail, self.runs = MemoryStorage(self.time), FakeMail(), MemoryRuns()
        self.exports: Exports = MemoryExports()
        self.new_environment()

    def new_environment(self) -> None:
        """The function's environment has ended; the next message begins another."""
        loaded = load_plugin(folder_of(self.plugin), self.config)
        loaded.plugin.sleep = self.time.sleep  # type: ignore[attr-defined]  # the built-in exporters' own
        if self.plugin in {"siem-export", "email-notify"}:
            loaded.plugin.clock = self.time  # type: ignore[attr-defined]  # same
        derived = hosts_by_key(loaded.manifest, loaded.config.model_dump(mode="json")).values()
        background = BackgroundPlugin(
            placement_of(loaded.manifest, self.timeout_ms),
            examples.TREE,
            lambda: loaded,
            frozenset(host for hosts in derived for host in hosts),
            {name: name for name in loaded.manifest.secrets},
        )
        self.loaded: LoadedPlugin = loaded
        self.host = PluginHost(background, self._parts())

    def send(self, record: EvidenceRecord, *, amends: bool = False) -> str:
        """Put one record into the queue, as the recorder does; the message's body."""
        if self.noted is not None:
            record = noting(record, self.plugin, self.noted)
        key = layout.terminal_key("acme", record.request_id)
        body = delivery_message(record, self.plugin, key, amends=amends).decode()
        self.queue.send(body)
        return body

    def consume(self, rounds: int = 1) -> None:
        """What Lambda does: take what is there, delete what was done; the rest comes back after a while."""
        for _ in range(rounds):
            for message in self.queue.receive(10, 0, VISIBILITY_S):
                if self._is_done(message):
                    self.queue.delete([message])
            self.time.now_s += VISIBILITY_S

    def consume_in(self, order: Callable[[list[PolledMessage]], list[PolledMessage]]) -> None:
        """One round, in another order than that of the queue."""
        for message in order(self.queue.receive(10, 0, VISIBILITY_S)):
            if self._is_done(message):
                self.queue.delete([message])

    def crash_once(self) -> None:
        """Kill the consumer after the receiver has the next record, before its own record is stored."""
        self.objects.trap = Trap(0)

    def step(self, run_id: str, step: str, number: int = 1) -> str | None:
        """What one attempt at a step comes to, as Step Functions asks for it. Raises StepFailedError."""
        call = {"plugin": self.plugin, "step": step, "entered_at": "now", "attempt": number - 1}
        event = {STEP: {**self.runs.begun[run_id], **call}}
        try:
            return self._stepping().answer(event, FUNCTION_S)["outcome"]
        except CrashError:
            self.objects.trap = Trap()
            self.new_environment()
            raise

    def records(self) -> list[DeliveryRecord]:
        found = (self.objects.get(key) or b"" for key in self.objects.list(""))
        return [decode(DeliveryRecord, layout.unpack(packed)) for packed in found]

    def _is_done(self, message: PolledMessage) -> bool:
        try:
            self.host.deliver(message.body, Attempt(message.message_id, message.receive_count, FUNCTION_S))
        except (DeliveryFailedError, StorageError):
            return False
        except CrashError:
            self.objects.trap = Trap()
            self.new_environment()
            return False
        return True

    def _bury(self, body: str) -> None:
        self.dead.send(body)

    def _ways(self) -> Ways:
        workflows = Workflows(self.runs, self.storage, 3600)
        return Ways(self.receiver, self.storage, self.mail.mailer, self.exports, workflows)

    def _stepping(self) -> StepHost:
        placement, loaded = placement_of(self.loaded.manifest), self.loaded
        plugin = SteppingPlugin(
            self.plugin,
            placement.version,
            placement.digest,
            examples.TREE,
            read_steps(folder_of(self.plugin)),
            lambda: loaded,
            records=placement.records,
            emits=True,
        )
        parts = self._parts()
        return StepHost(
            plugin,
            StepParts(
                parts.objects,
                parts.secrets,
                parts.deadlines,
                parts.digest_key,
                parts.ways,
                now_ms=parts.now_ms,
                clock=parts.clock,
            ),
        )

    def _parts(self) -> Parts:
        return Parts(
            objects=self.objects,
            ledger=TrappedLedger(),
            secrets=self.secrets,
            deadlines=Deadlines(None),
            digest_key=lambda: DigestKey("k1", b"k" * 32),
            ways=self._ways(),
            bury=self._bury,
            local=self.local,
            now_ms=lambda: NOW_MS,
            clock=self.time,
        )


def placement_of(manifest: Manifest, timeout_ms: int | None = None) -> Placement:
    """Where its README's stanza would place it."""
    asked = manifest.after_response
    assert asked is not None
    return Placement(
        plugin=manifest.name,
        version=manifest.version,
        digest=examples.TREE,
        moment="after_response",
        style="background",
        host="function",
        timeout_ms=timeout_ms or asked.timeout_ms or 15_000,
        on_error="allow",
        delivery=asked.delivery,
        terms=Terms(effects=frozenset(asked.effects)),
        records={
            name: RecordSpec(record.unit, record.minimum, record.maximum, record.values)
            for name, record in manifest.records.items()
        },
    )


def noting(record: EvidenceRecord, plugin: str, recorded: Mapping[str, float | str]) -> EvidenceRecord:
    """The record of a request in which `plugin` has left this, after the upstream."""
    first, *rest = record.placements
    own = replace(first, plugin=plugin, moment="after_upstream", recorded=dict(recorded))
    return replace(record, placements=[own, *rest])


def numbered(number: int, record: EvidenceRecord | None = None) -> EvidenceRecord:
    """A record of another request than that of another number."""
    request_id = examples.REQUEST_ID[:-4] + f"{number:04x}"
    return replace(record or examples.answered(), request_id=request_id)
