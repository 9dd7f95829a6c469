"""Calls of one placement's method over one stream: each under its deadline, all under one budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from penstock.errors import FailureClass, PluginError
from penstock.gates.host import Answer, Host
from penstock.sdk.projection import Projection

if TYPE_CHECKING:
    from penstock.gates.gate import Seat

# About 25,000 tokens. Most answers are shorter: they may cost what the whole gate may cost a unary answer. A
# longer one may cost so much for each such length that is begun, so that what is bounded is the cost per
# character. Only time inside calls counts: a stream waits for its upstream most of its life.
BUDGET_CHARS: Final = 100_000


class Calls:
    """Makes the calls and adds up what they cost. `clock` in seconds, monotonic."""

    def __init__(
        self, seat: Seat, host: Host, budget_s: float, clock: Callable[[], float], request_id: str
    ) -> None:
        self.count = 0
        self.spent_s = 0.0
        self.refused: dict[str, None] = {}
        """Fields that were asked for without a grant, in order, once each."""
        self.has_recorded = False
        self._seat = seat
        self._host = host
        self._budget_s = budget_s
        self._clock = clock
        self._request_id = request_id
        self._shown_chars = 0

    def make(self, projection: Projection, new_chars: int) -> Answer:
        """One call, which shows `new_chars` for the first time. Raises PluginError when it fails.

        The answer holds a decision that keeps to the placement's terms.
        """
        self._shown_chars += new_chars
        return self._sound(projection, self._seat.timeout_s)

    def recall(self, projection: Projection) -> Answer:
        """One call that shows again all that was shown. Raises as `make`.

        Of a longer answer than `BUDGET_CHARS` it may take so many times its own deadline.
        """
        return self._sound(projection, self._seat.timeout_s * self._begun)

    @property
    def _begun(self) -> int:
        return max(1, -(-self._shown_chars // BUDGET_CHARS))

    def _sound(self, projection: Projection, timeout_s: float) -> Answer:
        if not self._seat.breaker.admits():
            raise PluginError(FailureClass.CIRCUIT_OPEN, "the circuit is open")
        answer = self._answer(projection, timeout_s)
        self.refused |= dict.fromkeys(answer.refused)
        self.has_recorded |= bool(answer.recorded)
        try:
            answer.checked()
        except PluginError as error:
            self._seat.breaker.failed(error.failure)
            raise
        self._seat.breaker.succeeded()
        return answer

    def _answer(self, projection: Projection, timeout_s: float) -> Answer:
        seconds = min(timeout_s, self._budget_s * self._begun - self.spent_s)
        if seconds <= 0:
            raise PluginError(FailureClass.TIMEOUT, "the budget of the stream is spent")
        self.count += 1
        before = self._clock()
        try:
            return self._host.call(self._seat.placement, projection, self._request_id, seconds)
        finally:
            self.spent_s += self._clock() - before
