"""The account of one request: collects what happened on its way and makes the evidence record of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from penstock.errors import AccountingError
from penstock.evidence.digests import Digester
from penstock.evidence.intent import Intention
from penstock.evidence.record import (
    ControlRecord,
    EvidenceRecord,
    PlacementRecord,
    Principal,
    Resource,
    Timing,
    Uninspected,
    UpstreamRecord,
    Usage,
    timestamp,
)
from penstock.gates.gate import GateResult
from penstock.gateway.reply import Reply
from penstock.sdk.fields import Moment


@dataclass(slots=True)
class Account:
    """Everything of one request that its record will say. `started` is on the monotonic clock, in seconds."""

    request_id: str
    received_ms: int
    started: float
    dialect: str
    route: str
    snapshot: str
    digester: Digester
    remaining_s: Callable[[], float] = lambda: math.inf
    """Seconds until the function is ended."""
    principal: Principal = field(default_factory=Principal)
    overrides: str = "none"
    resource: Resource = field(default_factory=Resource)
    client_request_id: str | None = None
    front_request_id: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    controls: list[ControlRecord] = field(default_factory=list)
    upstream: list[UpstreamRecord] = field(default_factory=list)
    placements: list[PlacementRecord] = field(default_factory=list)
    uninspected: list[Uninspected] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    cost_nanousd: int | None = None
    gates_ms: dict[str, float] = field(default_factory=dict)
    results: list[GateResult] = field(default_factory=list)
    """Of the gates that were run; some of their placements may be under way still."""
    stopped: bool = False
    """Whether a gate ended the request, so that later placements had no turn."""
    upstream_called: bool = False
    """From here on a blind retry would pay twice."""
    stream: bool = False
    """Whether the caller asked for a stream."""
    first_byte_ms: float | None = None
    """When the first byte of a stream left."""
    elsewhere_ms: float | None = None
    """Of a stream: how long the upstream and the caller were waited for."""

    def passed(self, stage: str) -> None:
        """A control let the request pass."""
        self.controls.append(ControlRecord(stage, "allow"))

    def gate(self, moment: Moment, result: GateResult) -> None:
        """A gate was run."""
        self.placements += result.records
        self.uninspected += result.uninspected
        self.gates_ms[moment] = result.ms
        self.results.append(result)
        self.stopped = self.stopped or result.denial is not None

    def join(self) -> None:
        """Wait for placements that were only started, each until its deadline at most."""
        for result in self.results:
            result.join()

    def sent_first(self, chunk: bytes, now: float) -> None:
        """A chunk of a stream leaves: if it is the first that says anything, this is its time."""
        if chunk and self.first_byte_ms is None:
            self.first_byte_ms = round((now - self.started) * 1000, 3)

    def intention(self, dispatch: list[str]) -> Intention:
        """INTENT: what its record can say if nothing more is ever heard of this request."""
        return Intention(
            received_at=timestamp(self.received_ms),
            dialect=self.dialect,
            route=self.route,
            stream=self.stream,
            principal=self.principal,
            resource=self.resource,
            snapshot=self.snapshot,
            overrides=self.overrides,
            client_request_id=self.client_request_id,
            front_request_id=self.front_request_id,
            dispatch=dispatch,
        )

    def denied(self, stage: str, code: str) -> None:
        """A control refused the request, for a reason that its own error says."""
        self.controls.append(ControlRecord(stage, "deny", code))

    def record(self, reply: Reply, placements: int, now: float) -> EvidenceRecord:
        """The whole record. Raises AccountingError unless there is one record for each placement."""
        if len(self.placements) != placements:
            raise AccountingError(f"{len(self.placements)} records for {placements} placements")
        total_ms = (now - self.started) * 1000
        elsewhere_ms = self.elsewhere_ms
        if elsewhere_ms is None:
            elsewhere_ms = sum(attempt.ms for attempt in self.upstream)
        return EvidenceRecord(
            request_id=self.request_id,
            received_at=timestamp(self.received_ms),
            dialect=self.dialect,
            route=self.route,
            stream=self.stream,
            principal=self.principal,
            resource=self.resource,
            snapshot=self.snapshot,
            overrides=self.overrides,
            status=reply.status,
            outcome=reply.outcome,
            code=reply.code,
            cause=reply.cause,
            client_request_id=self.client_request_id,
            front_request_id=self.front_request_id,
            tags=dict(self.tags),
            controls=self.controls,
            upstream=self.upstream,
            placements=self.placements,
            uninspected=self.uninspected,
            usage=self.usage,
            cost_nanousd=self.cost_nanousd,
            timing=Timing(
                total_ms=round(total_ms, 3),
                overhead_ms=round(max(0.0, total_ms - elsewhere_ms), 3),
                time_to_first_byte_ms=self.first_byte_ms,
                gates=self.gates_ms,
            ),
        )
