"""One built-in exporter in its host, behind a queue: all is real but AWS, the receiver and the clock.

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
from penstock.background.capabilities import Ways
from penstock.background.host import Attempt, BackgroundPlugin, DeliveryFailedError, Parts, PluginHost
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
from penstock.sdk.loading import LoadedPlugin, load_plugin
from penstock.sdk.manifest import Manifest, hosts_by_key
from penstock.sdk.storage import MemoryStorage
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
        self.objects = TrappedObjects()
        self.dead = MemoryPolledQueue(clock=self.time)
        self.queue = MemoryPolledQueue(self.dead, most_receives=MAX_RECEIVES, clock=self.time)
        self.new_environment()

    def new_environment(self) -> None:
        """The function's environment has ended; the next message begins another."""
        loaded = load_plugin(folder_of(self.plugin), self.config)
        loaded.plugin.sleep = self.time.sleep  # type: ignore[attr-defined]  # the built-in exporters' own
        if "clock" in vars(type(loaded.plugin)) and self.plugin == "siem-export":
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

    def _parts(self) -> Parts:
        return Parts(
            objects=self.objects,
            ledger=TrappedLedger(),
            secrets=self.secrets,
            deadlines=Deadlines(None),
            digest_key=lambda: DigestKey("k1", b"k" * 32),
            ways=Ways(self.receiver, MemoryStorage(), None),
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


def numbered(number: int, record: EvidenceRecord | None = None) -> EvidenceRecord:
    """A record of another request than that of another number."""
    request_id = examples.REQUEST_ID[:-4] + f"{number:04x}"
    return replace(record or examples.answered(), request_id=request_id)
