"""Calls the background plugins that a deployment requires, before the last byte: `wait = true`.

    OUTCOME is stored → all of them are called, side by side, once → each is waited for until its deadline
      all have taken it                → the answer leaves
      one has failed                   → an amendment says so; `on_error` decides about the answer

Each gets the message that its queue brings later, and stores the record of its delivery itself. The queue's
message stays: it does what a crash or a failure here left undone, and finds everything else done
(docs/adr/0015).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from penstock.denial import Denial
from penstock.errors import FailureClass, PluginError
from penstock.evidence import layout
from penstock.evidence.messages import delivery_message
from penstock.evidence.record import WAITED_FAILED, EvidenceRecord, PlacementRecord
from penstock.evidence.whereabouts import as_terminal
from penstock.gates import denials
from penstock.gates.breaker import Breaker
from penstock.gates.function_host import Functions, Invoked
from penstock.gates.placement import Placement
from penstock.gates.records import our_fault
from penstock.gates.waited_call import check_taken, encode_waited
from penstock.sdk.fields import LATER

# Kept of the function's time for the amendment and the refusal, when a plugin does not answer.
RESERVE_S: Final = 3.0

log = logging.getLogger(__name__)


class Waited(NamedTuple):
    """What it came to. `denial` keeps the answer back; `amends`: `record` says what OUTCOME could not."""

    record: EvidenceRecord
    denial: Denial | None = None
    amends: bool = False


class Waiting:
    """The placements that are waited for. One instance per environment."""

    def __init__(
        self,
        placements: Sequence[Placement],
        functions: Functions,
        terms: Mapping[str, str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`terms`: by plugin, a digest of what it may do (`Snapshot.terms`)."""
        self._seats = [(placement, Breaker(clock)) for placement in placements]
        self._functions = functions
        self._terms = terms
        self._clock = clock

    def reserve_s(self, records: Sequence[PlacementRecord]) -> float:
        """How much of the function's time calling those of `records` takes that are waited for, at most."""
        due = {record.plugin for record in records if is_waited(record)}
        longest_ms = max((p.timeout_ms for p, _ in self._seats if p.plugin in due), default=None)
        return 0.0 if longest_ms is None else longest_ms / 1000 + RESERVE_S

    def deliver(self, record: EvidenceRecord, remaining_s: float, *, has_begun: bool = False) -> Waited:
        """Call who is to get `record`, whose outcome is stored. Never raises.

        `remaining_s`: of the function's time. `has_begun`: the answer's status has left, as a stream's.
        """
        due = {p.plugin for p in record.placements if is_waited(p)}
        seats = [(placement, breaker) for placement, breaker in self._seats if placement.plugin in due]
        if not seats:
            return Waited(record)
        began = self._clock()
        ends = began + remaining_s - RESERVE_S
        runs = [self._started(placement, breaker, record, ends) for placement, breaker in seats]
        failures = {run.placement.plugin: failure for run in runs if (failure := self._failure(run))}
        waited_ms = round((self._clock() - began) * 1000, 3)
        called = [run.placement for run in runs]
        return _result(_later(record, waited_ms), called, failures, has_begun=has_begun)

    def _started(self, placement: Placement, breaker: Breaker, record: EvidenceRecord, ends: float) -> _Run:
        seconds = min(placement.timeout_ms / 1000, ends - self._clock())
        run = _Run(placement, breaker, record.request_id, self._clock() + seconds)
        try:
            run.invoked = self._invoked(placement, breaker, record, seconds)
        except PluginError as failure:
            run.failure = failure
        except Exception:
            log.exception("a plugin could not be called", extra={"plugin": placement.plugin})
            run.failure = our_fault()
        return run

    def _invoked(
        self, placement: Placement, breaker: Breaker, record: EvidenceRecord, seconds: float
    ) -> Invoked:
        if seconds <= 0:
            raise PluginError(FailureClass.TIMEOUT, "there is no time left in this invocation")
        if not breaker.admits():
            raise PluginError(FailureClass.CIRCUIT_OPEN, "the circuit is open")
        key = layout.terminal_key(record.principal.organisation, record.request_id)
        message = delivery_message(as_terminal(record), placement.plugin, key, amends=False)
        payload = encode_waited(placement, self._terms[placement.plugin], record.request_id, seconds, message)
        return self._functions.invoke(placement.plugin, payload)

    def _failure(self, run: _Run) -> FailureClass | None:
        """Wait for one, until its deadline; why it failed, None when it has taken the record."""
        if run.failure is None and run.invoked is not None:
            try:
                raw = run.invoked.result(max(0.0, run.ends - self._clock()))
                check_taken(raw, run.placement, run.request_id)
            except PluginError as failure:
                run.failure = failure
            except Exception:
                log.exception("a plugin's answer crashed", extra={"plugin": run.placement.plugin})
                run.failure = our_fault()
        if run.failure is None:
            run.breaker.succeeded()
            return None
        if run.failure.failure is not FailureClass.CIRCUIT_OPEN:
            run.breaker.failed(run.failure.failure)
        return run.failure.failure


@dataclass(slots=True)
class _Run:
    """One call. `ends` in seconds of the clock."""

    placement: Placement
    breaker: Breaker
    request_id: str
    ends: float
    invoked: Invoked | None = None
    failure: PluginError | None = None


def is_waited(record: PlacementRecord) -> bool:
    """Whether the plugin is to get the evidence before the last byte."""
    return record.action == "dispatched" and record.path == "response"


def _later(record: EvidenceRecord, waited_ms: float) -> EvidenceRecord:
    """`record` with the time of the waiting, which is the gateway's own."""
    timing = record.timing
    timing = replace(
        timing,
        total_ms=round(timing.total_ms + waited_ms, 3),
        overhead_ms=round(timing.overhead_ms + waited_ms, 3),
        gates=timing.gates | {LATER: waited_ms},
    )
    return replace(record, timing=timing)


def _result(
    record: EvidenceRecord,
    called: Sequence[Placement],
    failures: Mapping[str, FailureClass],
    *,
    has_begun: bool,
) -> Waited:
    if not failures:
        return Waited(record)
    blocking = [p for p in called if p.plugin in failures and p.on_error == "block"]
    placements = [_failed(p, failures[p.plugin]) if p.plugin in failures else p for p in record.placements]
    record = replace(record, placements=placements, cause=WAITED_FAILED)
    if not blocking:
        return Waited(record, amends=True)
    denial = denials.not_taken(blocking[0])
    status = record.status if has_begun else denial.status
    refused = replace(record, status=status, outcome="failed", code=denial.code)
    return Waited(refused, denial, amends=True)


def _failed(record: PlacementRecord, failure: FailureClass) -> PlacementRecord:
    if record.style != "background":
        return record
    return replace(record, action="fail", failure=failure.value, calls=1)
