"""How the placements after the upstream meet one streamed answer.

    buffer   one that enforces needs the whole answer: it is collected, and the ordinary gate runs on it
    window   the guard's windows hold back what may still change; the rest leaves at once
    pass     nobody may change or stop it

What cannot change anything runs once at the end, on the text that left: independent placements, and in shadow
those that need the whole. Who may do what is settled once, when the stream begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from penstock.content import Content
from penstock.evidence.record import PlacementRecord
from penstock.gates.exchange import Exchange
from penstock.gates.overrides import Overrides
from penstock.gates.placement import Mode, Placement, reads_content
from penstock.gates.stream_calls import Calls
from penstock.gates.stream_guard import StreamGuard
from penstock.gates.stream_turn import Ruling, Turn

if TYPE_CHECKING:
    from penstock.gates.gate import Gate, GateResult, Seat, Step

Way = Literal["pass", "window", "buffer"]


class StreamRun:
    """One streamed answer at the gate after the upstream. Ask `Gate.stream` for it.

    `finish` is to be called exactly once, however the stream ended.
    """

    def __init__(self, gate: Gate, exchange: Exchange, overrides: Overrides) -> None:
        self._gate = gate
        self._exchange = exchange
        self._overrides = overrides
        self._dispositions = {seat: seat.disposition(exchange, overrides) for seat in gate.seats}
        active = {seat: mode for seat, (mode, reason) in self._dispositions.items() if reason is None}
        self.way: Way = _way(active)
        windowed = {s: m for s, m in active.items() if self.way == "window" and is_windowed(s.placement)}
        self.needs_answer = len(active) > len(windowed)
        """Whether something runs on the final text, so that what leaves has to be collected."""
        self._is_whole = False
        self._ruling = Ruling()
        self._turns = {seat: self._turn(seat, mode) for seat, mode in windowed.items()}
        self.guard: StreamGuard | None = None
        """What the dialect's stream asks; None unless `way` is `window`."""
        if self._turns:
            self.guard = StreamGuard(tuple(self._turns.values()), self._ruling, gate.clock)

    @property
    def only_watches(self) -> bool:
        """Whether no placement of the guard may change or stop anything: all are in shadow."""
        return not any(turn.is_enforcing for turn in self._turns.values())

    def finish(self, answer: Content | None, *, is_whole: bool = False) -> GateResult:
        """One record for each placement. Runs on `answer` those that wait for it; None skips them.

        `answer` is what left, or with `buffer` what the upstream said, whose `GateResult` is an ordinary one.
        None when the stream was cut or stopped, or the caller went, or when nothing needs it. `is_whole`: the
        stream came to its end, also where nothing needs the answer. The exchange holds it from now on.
        Never raises for what a plugin does. Raises AccountingError as `Gate.run`.
        """
        self._exchange.response = answer
        self._is_whole = is_whole or answer is not None
        if self.way == "buffer":
            return self._gate.run(self._exchange, self._overrides)
        result = self._gate.each(self._exchange, self._overrides, self._visit, self._ruling.denial)
        if self.guard is not None:
            result.uninspected = [*self.guard.uninspected, *result.uninspected]
            result.ms = round(result.ms + self.guard.spent_s * 1000, 3)
        return result

    def _turn(self, seat: Seat, mode: Mode) -> Turn:
        gate, exchange = self._gate, self._exchange
        host = gate.hosts[seat.placement.host]
        calls = Calls(seat, host, gate.budget_s, gate.clock, exchange.request_id)
        return Turn(seat, mode, exchange, calls, self._ruling)

    def _visit(self, step: Step) -> PlacementRecord:
        turn = self._turns.get(step.seat)
        if turn is not None:
            return turn.settled(has_answer=self._is_whole)
        return self._gate.visit(step, *self._dispositions[step.seat])


def is_windowed(placement: Placement) -> bool:
    """Whether it can meet a stream in pieces; any other ordered placement needs the whole answer.

    So does one that reads `decisions`: while pieces pass, those before it have not decided yet.
    """
    return (
        placement.style == "ordered"
        and placement.stream == "window"
        and placement.window_chars is not None
        and "decisions" not in placement.reads
        and placement.host == "in_process"
        and "respond" not in placement.terms.effects
        and reads_content(placement)
    )


def _way(active: dict[Seat, Mode]) -> Way:
    ordered = {seat: mode for seat, mode in active.items() if seat.placement.style == "ordered"}
    if any(mode is Mode.ENFORCE and not is_windowed(seat.placement) for seat, mode in ordered.items()):
        return "buffer"
    return "window" if any(is_windowed(seat.placement) for seat in ordered) else "pass"
