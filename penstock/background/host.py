"""Runs one background plugin on one message of its queue, and leaves a record of each attempt.

    decode → (at most once: claim) → run within the deadline → record in S3 → (finish) → message deleted

At least once: a failed attempt is recorded, then the message comes back; after five it is a dead letter. A
crash before the record is stored calls the plugin again, with the same idempotency key. A plugin that raises
UndeliverableError makes it a dead letter at once: recorded, sent to the dead-letter queue, then deleted.
After a crash in between it is tried once more, and may be a dead letter twice.
At most once: the claim is taken before the call, and whatever comes of it the plugin is not called again. A
claim without a record, after its holder's time, means that an environment ended in between: recorded as
`delivery_unknown`. Before that another copy of the message may still be under way: this one comes back.
Waited for (`wait = true`): the gateway has called it with the same message before (`answer`), so that of what
the queue brings only that is delivered which that call left undone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import httpx

from penstock.adapters.ledger import Claim, Ledger
from penstock.adapters.objects import Objects
from penstock.adapters.resources import MAX_RECEIVES
from penstock.adapters.secrets import Secrets
from penstock.background.capabilities import GrantedCapabilities, GrantedTransport, Ways
from penstock.background.starting import GrantedWorkflow, Origin
from penstock.errors import (
    ConfigurationError,
    FailureClass,
    FieldNotGrantedError,
    PenstockError,
    PluginError,
    StorageError,
    UndeliverableError,
)
from penstock.evidence import layout
from penstock.evidence.archive import Archive, Stored
from penstock.evidence.delivery import DELIVERY_UNKNOWN, UNDELIVERABLE, WAITED_MESSAGE, DeliveryRecord
from penstock.evidence.digests import Digester, DigestKey
from penstock.evidence.encoding import as_json, as_mapping
from penstock.evidence.messages import DeliveryMessage
from penstock.evidence.record import now_ms, timestamp
from penstock.evidence.schema import decode
from penstock.gates.deadline import DeadlineExceededError, Deadlines
from penstock.gates.placement import Placement
from penstock.sdk.context import Context
from penstock.sdk.loading import LoadedPlugin
from penstock.sdk.views import Evidence

RESERVE_S = 5.0  # kept of the function's time for storing the record, with the adapters' own timeouts
MARGIN_S = 10.0  # by which the clocks of two environments may differ, and what ending one takes

log = logging.getLogger(__name__)


class DeliveryFailedError(PenstockError):
    """An attempt failed and is recorded, or there was no time for it: the message has to come back."""

    code = "delivery_failed"


@dataclass(frozen=True, slots=True)
class BackgroundPlugin:
    """A deployed background plugin: its placement, what it may reach, and how it is loaded."""

    placement: Placement
    snapshot: str
    load: Callable[[], LoadedPlugin]
    hosts: frozenset[str] = frozenset()
    """`host:port` that it may call."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Logical name → name or ARN in Secrets Manager."""
    terms: str = ""
    """`Snapshot.terms` of the placement, for who is waited for."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a host is made of besides its plugin. Built once per environment; by hand in tests."""

    objects: Objects
    ledger: Ledger
    secrets: Secrets
    deadlines: Deadlines
    digest_key: Callable[[], DigestKey]
    ways: Ways
    bury: Callable[[str], None]
    """Puts a message's body into the plugin's dead-letter queue. Raises StorageError."""
    local: bool = False
    """Plain http to this machine is allowed."""
    now_ms: Callable[[], int] = now_ms
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Attempt:
    """One message as its queue gave it. `number` is 1 the first time."""

    message_id: str
    number: int
    remaining_s: float
    """What is left of the function's time."""
    wait_s: float | None = None
    """How long a caller waits for it; None: nobody does, and it came from the queue."""

    @classmethod
    def waited(cls, wait_s: float, remaining_s: float) -> Attempt:
        """The one call of the gateway."""
        return cls(WAITED_MESSAGE, 1, min(remaining_s, wait_s + RESERVE_S), wait_s)


class PluginHost:
    """One environment's plugin. It is loaded once; what cannot be loaded fails every attempt as `import`."""

    def __init__(self, plugin: BackgroundPlugin, parts: Parts) -> None:
        self._plugin = plugin
        self._parts = parts
        self._archive = Archive(parts.objects)
        self._loaded = self._load()

    def deliver(self, body: str, attempt: Attempt) -> DeliveryRecord | None:
        """Give one message to the plugin; its record, None when an earlier attempt had finished it.

        A record that says `fail` is of a delivery that has ended for good.

        Raises DeliveryFailedError, UnreadableEvidenceError or StorageError: the message comes back.
        """
        message = self._read(body)
        placement = self._plugin.placement
        if attempt.remaining_s < placement.timeout_ms / 1000 + RESERVE_S:
            raise DeliveryFailedError("there is no time left in this invocation")
        if placement.delivery == "at_most_once":
            return self._deliver_once(message, attempt)
        if placement.wait and message.amends is None and self._has_taken(message):
            return None
        record = self._run(message, attempt)
        self._store(message, record)
        if record.reason == UNDELIVERABLE:
            self._parts.bury(body)
        elif record.action == "fail":
            raise DeliveryFailedError("the plugin failed; the attempt is recorded")
        return record

    def answer(self, body: str, attempt: Attempt) -> DeliveryRecord | None:
        """Give one message to the plugin while a caller waits; None when it has been delivered already.

        How it failed is for who calls; the queue brings it again. Raises as `deliver`, when nothing is known.
        """
        message = self._read(body)
        if self._plugin.placement.delivery == "at_most_once":
            return self._deliver_once(message, attempt)
        record = self._run(message, attempt)
        self._store(message, record)
        return record

    def _load(self) -> LoadedPlugin | None:
        try:
            return self._plugin.load()
        except (Exception, SystemExit):
            log.exception("the plugin cannot be loaded", extra={"plugin": self._plugin.placement.plugin})
            return None

    def _read(self, body: str) -> DeliveryMessage:
        message = decode(DeliveryMessage, body)
        if message.plugin != self._plugin.placement.plugin:
            raise ConfigurationError(
                f"the queue of plugin {self._plugin.placement.plugin!r}",
                "holds a message for another plugin.",
                "Deploy it again, so that each plugin has a queue of its own.",
            )
        return message

    def _deliver_once(self, message: DeliveryMessage, attempt: Attempt) -> DeliveryRecord | None:
        request_id, name = _claimed(message), message.plugin
        # Before the claim: a store that does not answer then costs a redelivery, and not the delivery itself.
        self._parts.digest_key()
        claim = self._claim(message, attempt)
        if claim == "finished":
            return None
        if claim == "claimed":
            record = self._run(message, attempt)
        elif self._is_recorded(message):
            self._parts.ledger.finish_delivery(request_id, name, self._parts.now_ms())
            return None
        elif claim == "under_way" and attempt.number < MAX_RECEIVES:
            raise DeliveryFailedError("another copy of the message is being delivered")
        else:  # also at the last attempt: as a dead letter the delivery would have no record at all
            record = self._blank(message, attempt)
            record.action, record.reason = "fail", DELIVERY_UNKNOWN
        self._store(message, record)
        self._parts.ledger.finish_delivery(request_id, name, self._parts.now_ms())
        return record

    def _claim(self, message: DeliveryMessage, attempt: Attempt) -> Claim:
        """Claimed until the function's own time is over: whoever holds it has ended by then."""
        now_ms = self._parts.now_ms()
        until_ms = now_ms + round((attempt.remaining_s + MARGIN_S) * 1000)
        return self._parts.ledger.claim_delivery(_claimed(message), message.plugin, now_ms, until_ms)

    def _run(self, message: DeliveryMessage, attempt: Attempt) -> DeliveryRecord:
        record = self._blank(message, attempt)
        if self._loaded is None:
            record.action, record.failure = "fail", "import"
            return record
        transport = self._granted_transport(message.record.request_id)
        granted = self._granted(message, transport)
        seconds = self._seconds(attempt)
        context = self._context(message, self._loaded, granted, seconds)
        began = self._parts.clock()
        error = self._called(self._loaded, Evidence(as_mapping(message.record)), context, seconds)
        record.ms = round((self._parts.clock() - began) * 1000, 3)
        transport.end()
        record.deliveries = list(transport.deliveries)
        record.recorded = dict(context.recorded)
        record.refused = list(dict.fromkeys([*context.refused, *granted.refused]))
        conclude(record, None if error is None else failure_class(error))
        if isinstance(error, UndeliverableError):
            record.reason = UNDELIVERABLE
        return record

    def _seconds(self, attempt: Attempt) -> float:
        """The plugin's deadline: its own, or that of who waits for it."""
        own_s = self._plugin.placement.timeout_ms / 1000
        return own_s if attempt.wait_s is None else min(own_s, attempt.wait_s)

    def _called(
        self, loaded: LoadedPlugin, evidence: Evidence, context: Context, seconds: float
    ) -> BaseException | None:
        """What the plugin raised, or DeadlineExceededError; None when it did its work."""
        try:
            self._parts.deadlines.run(seconds, lambda: loaded.plugin.after_response(evidence, context))
        except DeadlineExceededError as late:
            return late
        except BaseException as error:  # a plugin may raise anything, SystemExit too
            names = {"request_id": context.request_id, "plugin": self._plugin.placement.plugin}
            log.warning("the plugin raised", exc_info=error, extra=names)
            return error
        return None

    def _context(
        self, message: DeliveryMessage, loaded: LoadedPlugin, granted: GrantedCapabilities, seconds: float
    ) -> Context:
        placement = self._plugin.placement
        return Context(
            message.record.request_id,
            loaded.config,
            deadline=self._parts.clock() + seconds,
            specs=placement.records if "record" in placement.terms.effects else {},
            capabilities=granted,
            clock=self._parts.clock,
        )

    @property
    def _may_emit(self) -> bool:
        return "emit" in self._plugin.placement.terms.effects

    def _granted(self, message: DeliveryMessage, transport: GrantedTransport) -> GrantedCapabilities:
        ways = self._parts.ways
        return GrantedCapabilities(
            transport,
            self._plugin.secrets,
            self._parts.secrets,
            storage=ways.storage,
            mailer=ways.mailer if self._may_emit else None,
            workflow=self._workflow(message),
            exports=ways.exports if self._may_emit else None,
        )

    def _workflow(self, message: DeliveryMessage) -> GrantedWorkflow | None:
        workflows, record = self._parts.ways.workflows, message.record
        if workflows is None:
            return None
        origin = Origin(record.request_id, record.principal.organisation, as_mapping(record))
        return GrantedWorkflow(workflows, origin)

    def _granted_transport(self, request_id: str) -> GrantedTransport:
        hosts = self._plugin.hosts if self._may_emit else frozenset[str]()
        digester = Digester(self._parts.digest_key(), request_id)
        return GrantedTransport(self._parts.ways.transport, hosts, digester, local=self._parts.local)

    def _blank(self, message: DeliveryMessage, attempt: Attempt) -> DeliveryRecord:
        placement = self._plugin.placement
        return DeliveryRecord(
            request_id=message.record.request_id,
            plugin=placement.plugin,
            version=placement.version,
            digest=placement.digest,
            message_id=attempt.message_id,
            attempt=attempt.number,
            idempotency_key=message.idempotency_key,
            delivered_at=timestamp(self._parts.now_ms()),
            action="allow",
            snapshot=self._plugin.snapshot,
            path="background" if attempt.wait_s is None else "response",
        )

    def _store(self, message: DeliveryMessage, record: DeliveryRecord) -> None:
        organisation = message.record.principal.organisation
        key = layout.delivery_key(
            organisation, record.request_id, record.plugin, record.message_id, record.attempt
        )
        if self._archive.put(key, as_json(as_mapping(record))) is Stored.OTHER:
            # An earlier run of this very attempt left its record: the next attempt has a key of its own.
            raise StorageError("store the record of a delivery")

    def _has_taken(self, message: DeliveryMessage) -> bool:
        """Whether the gateway's own call has brought it: then there is nothing left to do."""
        organisation, request_id = message.record.principal.organisation, message.record.request_id
        key = layout.delivery_key(organisation, request_id, message.plugin, WAITED_MESSAGE, 1)
        # Listed first: S3 tells a role that may list so little nothing of what is missing but `AccessDenied`.
        found = self._parts.objects.get(key) if key in self._parts.objects.list(key) else None
        return found is not None and decode(DeliveryRecord, layout.unpack(found)).action != "fail"

    def _is_recorded(self, message: DeliveryMessage) -> bool:
        """Whether an attempt at this very message, and not at the record that it amends, left its record."""
        organisation = message.record.principal.organisation
        prefix = layout.request_prefix(organisation, message.record.request_id)
        stored = map(self._parts.objects.get, self._parts.objects.list(f"{prefix}delivery.{message.plugin}."))
        records = (decode(DeliveryRecord, layout.unpack(raw)) for raw in stored if raw is not None)
        return any(record.idempotency_key == message.idempotency_key for record in records)


def _claimed(message: DeliveryMessage) -> str:
    """What is claimed of a request: its record and what amends it are delivered each once."""
    request_id = message.record.request_id
    return request_id if message.amends is None else f"{request_id}:amendment"


def failure_class(error: BaseException) -> FailureClass:
    """What kind of failure a plugin's exception is, as the evidence says it."""
    match error:
        case DeadlineExceededError():
            return FailureClass.TIMEOUT
        case FieldNotGrantedError():
            return FailureClass.CONTRACT
        case PluginError() if error.failure in {FailureClass.CONTRACT, FailureClass.DENIED}:
            return error.failure
        case httpx.HTTPStatusError() if error.response.status_code == 429:
            return FailureClass.THROTTLED
        case httpx.HTTPStatusError() if error.response.status_code in {401, 403}:
            return FailureClass.DENIED
        case httpx.HTTPError() | StorageError():
            return FailureClass.UNAVAILABLE
    return FailureClass.EXCEPTION


def conclude(record: DeliveryRecord, failure: FailureClass | None) -> None:
    """The strongest action stands, the others beside it. What was refused fails, swallowed or not."""
    done: list[Literal["emit", "record"]] = []
    if record.deliveries:
        done.append("emit")
    if record.recorded:
        done.append("record")
    if failure is None and record.refused:
        failure = FailureClass.CONTRACT
    if failure is not None:
        record.action, record.failure, record.also = "fail", failure.value, done
    elif done:
        record.action, record.also = done[0], [action for action in done[1:] if action == "record"]
