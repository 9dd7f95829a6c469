"""Runs one step of a plugin's workflow, in the plugin's function, and leaves a record of each attempt.

    Step Functions → {"penstock_step": …} → run within the step's time → record in S3 → {"outcome": …}

At least once: an attempt that failed is recorded and raised, and Step Functions tries again as the step's
`retry` says; one that was killed has no record, and is tried again too. What an attempt of the same visit has
done and recorded is not done again: its outcome is in its record. A plugin that raises UndeliverableError
fails the step at once, and so does what no later try can change.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from penstock.adapters.objects import Objects
from penstock.adapters.secrets import Secrets
from penstock.background.capabilities import GrantedCapabilities, GrantedTransport, Ways
from penstock.background.host import RESERVE_S, conclude, failure_class
from penstock.background.starting import GrantedWorkflow, Origin
from penstock.errors import PenstockError, StorageError, UndeliverableError
from penstock.evidence import layout
from penstock.evidence.archive import Archive, Stored
from penstock.evidence.delivery import UNDELIVERABLE, DeliveryRecord
from penstock.evidence.digests import Digester, DigestKey
from penstock.evidence.encoding import as_json, as_mapping
from penstock.evidence.record import now_ms, timestamp
from penstock.evidence.schema import decode
from penstock.gates.deadline import DeadlineExceededError, Deadlines
from penstock.sdk.context import Context, RecordSpec
from penstock.sdk.loading import LoadedPlugin
from penstock.sdk.steps import METHOD, Step, Steps, checked_outcome
from penstock.sdk.workflow import Run

STEP: Final = "penstock_step"  # what an event of this kind has, and no other
DEFAULT_STEP_S: Final = 30

log = logging.getLogger(__name__)

Links = Callable[[str, str, str], str]
"""(run id, step, approver) → the signed link of an approval."""


class StepFailedError(PenstockError):
    """An attempt at a step failed and is recorded. Step Functions knows it by its name, and tries again."""

    code = "step_failed"


class UndeliverableStepError(StepFailedError):
    """The same, and no later attempt would go better (`FOR_GOOD` of `penstock.configuration.workflow`)."""

    code = "step_undeliverable"


class StepCall(NamedTuple):
    """One attempt at one step, as the state machine asks for it. `number` is 1 the first time."""

    plugin: str
    step: str
    run_id: str
    request_id: str
    reference: str
    evidence_key: str
    entered_at: str
    """When the run came to the step: it may come there again, after a wait."""
    number: int
    outcomes: Mapping[str, str]

    @property
    def organisation(self) -> str | None:
        """Of the request, read from where its record lies."""
        return layout.organisation_of(f"{self.evidence_key.partition('/')[0]}/")


def decode_step(event: Mapping[str, Any]) -> StepCall:
    """The call that `event` holds. Raises ValueError when it holds none."""
    try:
        told = event[STEP]
        outcomes = {name: each["outcome"] for name, each in told["outcomes"].items()}
        return StepCall(
            plugin=str(told["plugin"]),
            step=str(told["step"]),
            run_id=str(told["run_id"]),
            request_id=str(told["request_id"]),
            reference=str(told["reference"]),
            evidence_key=str(told["evidence_key"]),
            entered_at=str(told["entered_at"]),
            number=int(told["attempt"]) + 1,
            outcomes={name: str(code) for name, code in outcomes.items() if code is not None},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no call of a step") from error


@dataclass(frozen=True, slots=True)
class SteppingPlugin:
    """A plugin with a workflow, as it was deployed. `steps`: with its configuration filled in."""

    name: str
    version: str
    digest: str
    snapshot: str
    steps: Steps
    load: Callable[[], LoadedPlugin]
    hosts: frozenset[str] = frozenset()
    """`host:port` that it may call, where any of its moments may `emit`."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    records: Mapping[str, RecordSpec] = field(default_factory=dict)
    emits: bool = False


@dataclass(frozen=True, slots=True)
class StepParts:
    """What a host of steps is made of besides its plugin. Built once per environment; by hand in tests."""

    objects: Objects
    secrets: Secrets
    deadlines: Deadlines
    digest_key: Callable[[], DigestKey]
    ways: Ways
    links: Links | None = None
    local: bool = False
    now_ms: Callable[[], int] = now_ms
    clock: Callable[[], float] = time.monotonic


class StepHost:
    """One environment's plugin. It is loaded once; what cannot be loaded fails every step as `import`."""

    def __init__(self, plugin: SteppingPlugin, parts: StepParts) -> None:
        self._plugin = plugin
        self._parts = parts
        self._archive = Archive(parts.objects)
        self._loaded = self._load()

    def answer(self, event: Mapping[str, Any], remaining_s: float) -> dict[str, str | None]:
        """What the step came to, for Step Functions.

        Raises StepFailedError when the attempt failed, StorageError when nothing is known of it, ValueError
        for what is no call.
        """
        call = decode_step(event)
        digester = Digester(self._parts.digest_key(), call.request_id)
        record = self._blank(call, digester)
        earlier = self._earlier(call, record)
        if earlier is None:
            self._run(call, record, digester, remaining_s)
            self._store(call, record)
            earlier = record
        if earlier.action == "fail":
            kind = UndeliverableStepError if earlier.reason == UNDELIVERABLE else StepFailedError
            raise kind(f"step {call.step} failed: {earlier.failure}")
        return {"outcome": earlier.outcome}

    def _load(self) -> LoadedPlugin | None:
        try:
            return self._plugin.load()
        except (Exception, SystemExit):
            log.exception("the plugin cannot be loaded", extra={"plugin": self._plugin.name})
            return None

    def _run(self, call: StepCall, record: DeliveryRecord, digester: Digester, remaining_s: float) -> None:
        """One attempt; `record` says how it went."""
        step, loaded = self._plugin.steps.named(call.step), self._loaded
        if loaded is None or step is None or step.kind != "do" or call.plugin != self._plugin.name:
            log.error("a step of a workflow is not of this deployment of the plugin")
            record.action, record.failure = "fail", "import"
            return
        seconds = min(float(step.timeout_s or DEFAULT_STEP_S), remaining_s - RESERVE_S)
        if seconds <= 0:
            record.action, record.failure = "fail", "timeout"
            return
        transport = self._transport(digester)
        granted = self._granted(call, transport)
        context = self._context(call, loaded, granted, seconds)
        began = self._parts.clock()
        error, outcome = self._called(loaded, step, self._told(call), context, seconds)
        record.ms = round((self._parts.clock() - began) * 1000, 3)
        transport.end()
        record.deliveries = list(transport.deliveries)
        record.recorded = dict(context.recorded)
        record.refused = list(dict.fromkeys([*context.refused, *granted.refused]))
        conclude(record, None if error is None else failure_class(error))
        if isinstance(error, UndeliverableError):
            record.reason = UNDELIVERABLE
        if record.action != "fail":
            record.outcome = outcome

    def _called(
        self, loaded: LoadedPlugin, step: Step, run: Run, context: Context, seconds: float
    ) -> tuple[BaseException | None, str | None]:
        """What the method raised, or what it came to: one of the declared outcomes."""
        method = getattr(loaded.plugin, f"{METHOD}{step.name}")

        def call() -> str | None:
            return checked_outcome(step, method(run, context))

        try:
            return None, self._parts.deadlines.run(seconds, call)
        except DeadlineExceededError as late:
            return late, None
        except BaseException as error:  # a plugin may raise anything, SystemExit too
            names = {"request_id": run.request_id, "plugin": self._plugin.name}
            log.warning("the plugin raised", exc_info=error, extra=names)
            return error, None

    def _told(self, call: StepCall) -> Run:
        workflows = self._parts.ways.workflows
        record = workflows.record_of(call.run_id) if workflows is not None else None
        return Run(
            call.run_id, call.request_id, call.reference, dict(call.outcomes), record, self._link(call)
        )

    def _link(self, call: StepCall) -> Callable[[str, str], str] | None:
        """Makes links of this run's approvals; None where there is none."""
        links, asked = self._parts.links, {step.name for step in self._plugin.steps.approvals}
        if links is None or not asked:
            return None

        def link(step: str, approver: str) -> str:
            if step not in asked:
                raise ValueError("the workflow has no approval of this name")
            return links(call.run_id, step, approver)

        return link

    def _transport(self, digester: Digester) -> GrantedTransport:
        hosts = self._plugin.hosts if self._plugin.emits else frozenset[str]()
        return GrantedTransport(self._parts.ways.transport, hosts, digester, local=self._parts.local)

    def _granted(self, call: StepCall, transport: GrantedTransport) -> GrantedCapabilities:
        ways = self._parts.ways
        origin = Origin(call.request_id, call.organisation)
        workflow = GrantedWorkflow(ways.workflows, origin) if ways.workflows is not None else None
        return GrantedCapabilities(
            transport,
            self._plugin.secrets,
            self._parts.secrets,
            storage=ways.storage,
            mailer=ways.mailer if self._plugin.emits else None,
            exports=ways.exports if self._plugin.emits else None,
            workflow=workflow,
        )

    def _context(
        self, call: StepCall, loaded: LoadedPlugin, granted: GrantedCapabilities, seconds: float
    ) -> Context:
        return Context(
            call.request_id,
            loaded.config,
            deadline=self._parts.clock() + seconds,
            specs=self._plugin.records,
            capabilities=granted,
            clock=self._parts.clock,
        )

    def _blank(self, call: StepCall, digester: Digester) -> DeliveryRecord:
        plugin = self._plugin
        visit = digester.texts("workflow.step", (call.run_id, call.step, call.entered_at))
        return DeliveryRecord(
            request_id=call.request_id,
            plugin=plugin.name,
            version=plugin.version,
            digest=plugin.digest,
            message_id=f"step-{visit.rpartition(':')[2]}",
            attempt=call.number,
            idempotency_key=f"{call.request_id}:{plugin.name}:step:{call.step}",
            delivered_at=timestamp(self._parts.now_ms()),
            action="allow",
            snapshot=plugin.snapshot,
            path="workflow",
            run=digester.text("workflow.run", call.run_id),
            step=call.step,
            outcomes=dict(call.outcomes),
        )

    def _earlier(self, call: StepCall, blank: DeliveryRecord) -> DeliveryRecord | None:
        """What an attempt of the same visit left that ended well, or this very attempt."""
        prefix = layout.request_prefix(call.organisation, call.request_id)
        keys = list(self._parts.objects.list(f"{prefix}delivery.{blank.plugin}.{blank.message_id}."))
        stored = (self._parts.objects.get(key) for key in keys)
        records = [decode(DeliveryRecord, layout.unpack(raw)) for raw in stored if raw is not None]
        return next((r for r in records if r.action != "fail" or r.attempt == call.number), None)

    def _store(self, call: StepCall, record: DeliveryRecord) -> None:
        key = layout.delivery_key(
            call.organisation, record.request_id, record.plugin, record.message_id, record.attempt
        )
        if self._archive.put(key, as_json(as_mapping(record))) is Stored.OTHER:
            # The same attempt is under way twice: the next one finds what the other has left.
            raise StorageError("store the record of a step")
