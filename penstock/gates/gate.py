"""A gate: runs the placements of one moment and combines what they decide.

    for each placement, in order:
      is it on, in scope, sampled in, is there time?   no → skipped, with a reason
      is anything under it that it cannot see?          refuse, drop or allow
      is its breaker closed?                            no → fail: circuit_open
      project the granted fields → run → checked decision, or failure
      apply it, or in shadow say what it would have been
      one record

The first block, or the first failure whose `on_error` is `block`, ends the gate; the rest are
`skipped: after_block`. Exactly one record for each placement leaves the gate, always.

Independent placements are only started in their turn. In functions of their own they run side by side, and
their records are completed when they are waited for: at the gate's end, or later (`GateResult.join`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from penstock.denial import Denial
from penstock.errors import AccountingError, FailureClass, PluginError
from penstock.evidence.record import Changed, PlacementRecord, Saw, SkipReason, Uninspected
from penstock.gates import denials
from penstock.gates.breaker import Breaker
from penstock.gates.exchange import REPLACED, Exchange
from penstock.gates.host import Answer, Host, Run
from penstock.gates.inspection import Inspection, inspect
from penstock.gates.overrides import Overrides
from penstock.gates.placement import HostKind, Mode, Placement, bucket, reads_content
from penstock.gates.records import become, blank, delivered, failed, our_fault, settle
from penstock.gates.scope import Scope
from penstock.gates.started import Started
from penstock.gates.stream_run import StreamRun
from penstock.sdk.decisions import Allow, Block, Decision, Respond, Transform
from penstock.sdk.fields import AFTER, Moment

log = logging.getLogger(__name__)


@dataclass(slots=True)
class GateResult:
    """What a gate came to. `denial` ends the request; `answer` stands in for the upstream."""

    denial: Denial | None = None
    answer: str | None = None
    records: list[PlacementRecord] = field(default_factory=list)
    uninspected: list[Uninspected] = field(default_factory=list)
    ms: float = 0.0
    started: Started = field(default_factory=Started)
    """Runs that nobody waited for yet; until `join`, their records say nothing of what came of them."""

    def join(self) -> None:
        """Wait for all that was started. Never raises; a second time there is nothing to wait for."""
        self.started.join()


class Gate:
    """The placements of one moment, frozen. One instance per environment, one run at a time."""

    def __init__(
        self,
        moment: Moment,
        placements: Sequence[Placement],
        hosts: Mapping[HostKind, Host],
        *,
        budget_ms: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`placements` in the order of `placement.in_order`; `budget_ms` bounds the whole gate."""
        self.moment = moment
        self.placements = tuple(placements)
        self.budget_s = budget_ms / 1000
        self.clock = clock
        self.hosts = hosts
        self.seats = tuple(Seat(placement, Breaker(clock)) for placement in placements)
        self._names = [placement.plugin for placement in placements]
        self._reads_decisions = any("decisions" in placement.reads for placement in placements)

    def run(self, exchange: Exchange, overrides: Overrides, *, joined: bool = True) -> GateResult:
        """Run every placement on `exchange`, which carries all that they changed.

        Not `joined`: what was started is left running, for `GateResult.join` before the request's OUTCOME.
        Raises AccountingError when a placement is left without its record.
        """
        for host in self.hosts.values():
            host.begin()
        try:
            return self.each(exchange, overrides, lambda step: self._visit(step, overrides), joined=joined)
        finally:
            for host in self.hosts.values():
                host.end()

    def stream(self, exchange: Exchange, overrides: Overrides) -> StreamRun:
        """How the placements meet a streamed answer to `exchange`. For the gate after the upstream."""
        return StreamRun(self, exchange, overrides)

    def each(
        self,
        exchange: Exchange,
        overrides: Overrides,
        visit: Callable[[Step], PlacementRecord],
        denial: Denial | None = None,
        *,
        joined: bool = True,
    ) -> GateResult:
        """What `visit` makes of each placement, in order; `denial` is what there was before the first.

        A record may come with the milliseconds that it took before. Raises AccountingError as `run`.
        """
        if self._reads_decisions:
            exchange.started.join()  # what was started at the gate before has decided something too
        started = before = self.clock()
        result = GateResult()
        result.denial = denial
        for seat in self.seats:
            step = Step(seat, exchange, result, started + self.budget_s, before)
            record = self._guarded(step, overrides, visit)
            after = self.clock()
            record.ms = round(record.ms + (after - before) * 1000, 3)
            result.records.append(record)
            if not result.started.holds(record):
                _remember(exchange, record)
            before = after
        if joined and result.started:
            self._rest()
            result.join()
            before = self.clock()
        elif result.started:
            exchange.started = result.started
        result.ms = round((before - started) * 1000, 3)
        if [record.plugin for record in result.records] != self._names:
            raise AccountingError(f"gate {self.moment} left a placement without a record")
        return result

    def skipped(
        self,
        reason: SkipReason,
        facts: Mapping[str, str | None],
        request_id: str,
        overrides: Overrides,
    ) -> list[PlacementRecord]:
        """Records for a gate that is not run at all: each its own reason not to run, or else `reason`."""
        turns = [(p, *disposition(p, facts, request_id, overrides)) for p in self.placements]
        return [blank(placement, mode, own or reason) for placement, mode, own in turns]

    def _guarded(
        self, step: Step, overrides: Overrides, visit: Callable[[Step], PlacementRecord]
    ) -> PlacementRecord:
        """One placement's turn. A fault of ours in it is its failure: recorded, and closed by `on_error`."""
        try:
            return visit(step)
        except Exception:
            log.exception("a placement's turn crashed", extra={"plugin": step.placement.plugin})
            mode = lowered(step.placement, overrides)
            return self._fail(step, mode, failed(step.placement, mode, our_fault()))

    def _visit(self, step: Step, overrides: Overrides) -> PlacementRecord:
        return self.visit(step, *step.seat.disposition(step.exchange, overrides))

    def visit(self, step: Step, mode: Mode, reason: SkipReason | None) -> PlacementRecord:
        """One placement's turn in `mode`, unless there is a `reason` of its own against it."""
        if step.result.denial is not None:
            return blank(step.placement, mode, reason or "after_block")
        if reason is None and self.moment == AFTER and step.exchange.response is None:
            reason = "no_context"
        if reason is not None:
            return blank(step.placement, mode, reason)
        if step.seconds <= 0:
            self._deny_for_error(step, mode)
            return blank(step.placement, mode, "deadline")
        return self._inspect_and_run(step, mode)

    def _inspect_and_run(self, step: Step, mode: Mode) -> PlacementRecord:
        if step.seat.is_guard:
            found = self._inspected(step, mode)
            if found.entries and found.refused:
                return self._refuse(step, mode, found)
        if not step.seat.breaker.admits():
            failure = PluginError(FailureClass.CIRCUIT_OPEN, "the circuit is open")
            return self._fail(step, mode, failed(step.placement, mode, failure))
        return self._run(step, mode)

    def _inspected(self, step: Step, mode: Mode) -> Inspection:
        """What it cannot see; what is to be dropped is gone, what cannot be dropped is refused."""
        found = inspect(step.placement, step.exchange)
        if mode is Mode.ENFORCE and found.entries:
            self._rest()
            try:
                found.drop_from(step.exchange)
            except ValueError:
                found = found.refusing()
            step.result.uninspected += found.entries
        return found

    def _run(self, step: Step, mode: Mode) -> PlacementRecord:
        placement, exchange = step.placement, step.exchange
        projection = exchange.projected(placement.reads, placement.terms.writes, placement.plugin)
        saw = exchange.saw(placement.reads)
        host, request_id = self.hosts[placement.host], exchange.request_id
        if placement.host == "function":
            self._rest()  # waiting is no plugin's time here
        if step.seat.is_apart:
            run = host.start(placement, projection, request_id, step.seconds)
            record = blank(placement, mode)
            step.result.started.add(record, lambda: self._completed(step, mode, record, run, saw))
            return record
        return self._answered(step, mode, host.call(placement, projection, request_id, step.seconds), saw)

    def _completed(self, step: Step, mode: Mode, record: PlacementRecord, run: Run, saw: Saw) -> None:
        """Wait for a run that was started, and have `record` say what came of it."""
        try:
            found = self._answered(step, mode, run.answer(), saw)
        except Exception:
            log.exception("a placement's turn crashed", extra={"plugin": step.placement.plugin})
            found = failed(step.placement, mode, our_fault())
        found.ms = round(record.ms + run.ms, 3)
        become(record, found)
        _remember(step.exchange, record)

    def _rest(self) -> None:
        """What comes now takes time that is no plugin's."""
        for host in self.hosts.values():
            host.rest()

    def _answered(self, step: Step, mode: Mode, answer: Answer, saw: Saw) -> PlacementRecord:
        breaker = step.seat.breaker
        record = self._settled(step, mode, answer)
        record.saw = saw
        record.calls = 1
        if answer.recorded:
            record.recorded = dict(answer.recorded)
        if answer.refused:
            record.refused = list(dict.fromkeys(answer.refused))
        if answer.deliveries:
            record.deliveries = delivered(answer.deliveries, step.exchange.digester)
        settle(record)
        if record.failure is None:
            breaker.succeeded()
        else:
            breaker.failed(FailureClass(record.failure))
        return record

    def _settled(self, step: Step, mode: Mode, answer: Answer) -> PlacementRecord:
        try:
            return self._decided(step, mode, answer.checked())
        except PluginError as failure:
            return self._fail(step, mode, failed(step.placement, mode, failure))

    def _decided(self, step: Step, mode: Mode, decision: Decision) -> PlacementRecord:
        record = blank(step.placement, mode)
        enforcing = mode is Mode.ENFORCE
        match decision:
            case Allow():
                pass
            case Block():
                record.reason = decision.reason
                self._block(step, record, decision, enforcing)
            case Transform():
                record.changed = step.exchange.applied(decision.edits, commit=enforcing)
                _mark_change(record, enforcing)
            case Respond():
                record.changed = self._respond(step, decision.content, enforcing)
                _mark_change(record, enforcing)
            case _:
                assert_never(decision)
        return record

    def _block(self, step: Step, record: PlacementRecord, block: Block, enforcing: bool) -> None:
        placement = step.placement
        if block.refer:
            record.reference = step.exchange.reference(placement.plugin)
        if not enforcing:
            record.would = "would_block"
            return
        record.action = "block"
        step.result.denial = (
            denials.blocked(placement, block.reason)
            if record.reference is None
            else denials.referred(placement, block.reason, record.reference)
        )

    def _respond(self, step: Step, text: str, enforcing: bool) -> list[Changed]:
        exchange = step.exchange
        if self.moment == AFTER and exchange.response is not None:
            try:
                return exchange.respond(exchange.response.replaced(text), commit=enforcing)
            except ValueError:
                raise PluginError(FailureClass.CONTRACT, "the response cannot be replaced") from None
        if enforcing:
            step.result.answer = text
        return [Changed(REPLACED, 1, None, exchange.digester.text(REPLACED, text))]

    def _refuse(self, step: Step, mode: Mode, found: Inspection) -> PlacementRecord:
        record = blank(step.placement, mode)
        record.reason = denials.UNINSPECTABLE
        if mode is not Mode.ENFORCE:
            record.would = "would_block"
            return record
        record.action = "block"
        step.result.denial = denials.uninspectable(found.message(step.placement.plugin))
        return record

    def _fail(self, step: Step, mode: Mode, record: PlacementRecord) -> PlacementRecord:
        self._deny_for_error(step, mode)
        return record

    def _deny_for_error(self, step: Step, mode: Mode) -> None:
        denial = denials.for_error(step.placement, mode)
        if denial is not None:
            step.result.denial = denial


class Seat:
    """One placement and all that is the same of it for every request, looked up once."""

    __slots__ = ("breaker", "is_apart", "is_guard", "is_plain", "placement", "timeout_s")

    def __init__(self, placement: Placement, breaker: Breaker) -> None:
        self.placement = placement
        self.breaker = breaker
        self.timeout_s = placement.timeout_ms / 1000
        self.is_apart = placement.style == "independent" and placement.host == "function"
        self.is_guard = placement.style == "ordered" and reads_content(placement)
        self.is_plain = (
            placement.mode is not Mode.OFF
            and placement.scope == Scope()
            and placement.sample >= 100
            and placement.rollout >= 100
        )

    def disposition(self, exchange: Exchange, overrides: Overrides) -> tuple[Mode, SkipReason | None]:
        """As `disposition`; where nothing keeps any request away, nothing is asked."""
        if self.is_plain and not overrides.by_plugin:
            return self.placement.mode, None
        return disposition(self.placement, exchange.facts, exchange.request_id, overrides)


class Step:
    """One placement's turn."""

    __slots__ = ("exchange", "placement", "result", "seat", "seconds")

    def __init__(
        self, seat: Seat, exchange: Exchange, result: GateResult, gate_ends: float, now: float
    ) -> None:
        self.seat = seat
        self.placement = seat.placement
        self.exchange = exchange
        self.result = result
        self.seconds = min(seat.timeout_s, gate_ends - now)


def lowered(placement: Placement, overrides: Overrides) -> Mode:
    """The mode of `placement`, as far as an override has lowered it."""
    override = overrides.of(placement)
    return placement.mode if override.mode is None else min(placement.mode, override.mode)


def disposition(
    placement: Placement, facts: Mapping[str, str | None], request_id: str, overrides: Overrides
) -> tuple[Mode, SkipReason | None]:
    """The mode in which `placement` runs for this request, or why it does not run."""
    override, mode = overrides.of(placement), lowered(placement, overrides)
    if override.killed:
        return mode, "killed"
    if mode is Mode.OFF:
        return mode, "off"
    if placement.scope.misses(facts) or (override.scope is not None and override.scope.misses(facts)):
        return mode, "out_of_scope"
    if placement.sample < 100 and bucket(placement.plugin, request_id) >= placement.sample:
        return mode, "sampled_out"
    rollout = placement.rollout if override.rollout is None else min(placement.rollout, override.rollout)
    if (
        mode is Mode.ENFORCE
        and rollout < 100
        and bucket(placement.plugin, facts.get("api_key") or "") >= rollout
    ):
        mode = Mode.SHADOW
    return mode, None


def _remember(exchange: Exchange, record: PlacementRecord) -> None:
    """For placements that read `decisions`."""
    if record.action != "skipped":
        exchange.decisions.append({"plugin": record.plugin, "action": record.action, "reason": record.reason})


def _mark_change(record: PlacementRecord, enforcing: bool) -> None:
    if not record.changed:
        return
    if enforcing:
        record.action = "transform"
    else:
        record.would = "would_transform"
