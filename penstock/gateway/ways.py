"""The two ways of a streamed answer through the gate after the upstream.

Flowing   it leaves as it comes: as it came, or as a guard lets it go
Held      it is taken in whole, passes the gate like any other answer, and leaves then
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from penstock.content import Content
from penstock.denial import Denial
from penstock.dialects import Dialect
from penstock.errors import PenstockError, UpstreamError
from penstock.evidence.record import Usage
from penstock.gates.exchange import Exchange
from penstock.gates.gate import Gate, GateResult
from penstock.gates.overrides import Overrides
from penstock.gates.stream_run import StreamRun
from penstock.gateway.upstreaming import usage_facts
from penstock.streams import AnswerStream, CollectedStream

log = logging.getLogger(__name__)


class Way(Protocol):
    """What becomes of a stream's bytes. `denial` is to be looked at after each step."""

    dialect: Dialect
    is_guarded: bool

    @property
    def denial(self) -> Denial | None: ...
    @property
    def usage(self) -> Usage | None: ...
    @property
    def has_failed(self) -> bool: ...
    @property
    def is_done(self) -> bool:
        """Whether the answer has ended, whatever its connection does."""

    @property
    def ending(self) -> bytes:
        """After `finish`: what leaves last."""

    def feed(self, piece: bytes) -> bytes: ...
    def due(self) -> bytes: ...
    def wait_ms(self) -> float | None: ...
    def close(self) -> bytes: ...
    def error(self, refusal: Denial | PenstockError, request_id: str) -> bytes: ...

    def finish(self, *, is_whole: bool) -> GateResult | None:
        """What the gate came to; None when it was not run at all."""


class Flowing:
    """Events leave as they come. What runs at the end sees what has left.

    A guard that only watches is shown what comes, and has no part in what leaves.
    """

    def __init__(self, dialect: Dialect, run: StreamRun, *, hide_usage: bool = False) -> None:
        self.dialect = dialect
        guard = None if run.only_watches else run.guard
        self.is_guarded = guard is not None
        self._run = run
        self._stream: AnswerStream = dialect.streaming(guard, hide_usage=hide_usage)
        self._watch = dialect.streaming(run.guard) if run.guard and guard is None else None
        self._is_seen = True  # until the watch has to be given up
        self._left: CollectedStream | None = dialect.collecting() if run.needs_answer else None

    @property
    def denial(self) -> Denial | None:
        return self._run.guard.denial if self._run.guard else None

    @property
    def usage(self) -> Usage | None:
        return self._stream.usage

    @property
    def has_failed(self) -> bool:
        return self._stream.has_failed

    @property
    def is_done(self) -> bool:
        return self._stream.is_done

    @property
    def ending(self) -> bytes:
        return self._stream.ending

    def feed(self, piece: bytes) -> bytes:
        sent = self._collected(self._stream.feed(piece))
        self._watched(lambda watch: watch.feed(piece))
        return sent

    def due(self) -> bytes:
        self._watched(lambda watch: watch.due())
        return self._collected(self._stream.due())

    def wait_ms(self) -> float | None:
        return self._run.guard.wait_ms() if self._run.guard else None

    def close(self) -> bytes:
        sent = self._collected(self._stream.close())
        self._watched(lambda watch: watch.close())
        return sent

    def error(self, refusal: Denial | PenstockError, request_id: str) -> bytes:
        return self._stream.error(refusal, request_id)

    def finish(self, *, is_whole: bool) -> GateResult:
        if is_whole and self._left is not None:
            self._collected(self._stream.ending)
        answer = self._answer() if is_whole else None
        return self._run.finish(answer, is_whole=is_whole and self._is_seen)

    def _watched(self, step: Callable[[AnswerStream], bytes]) -> None:
        """Show who only watches what came. A stream that cannot be shown passes as it does unwatched."""
        if self._watch is None:
            return
        try:
            step(self._watch)
        except Exception as error:  # noqa: BLE001 - who only watches breaks nothing
            reason = error if isinstance(error, PenstockError) else type(error).__name__
            log.warning("a stream is not watched any more: %s", reason)
            self._watch, self._is_seen = None, False

    def _collected(self, sent: bytes) -> bytes:
        """What leaves, kept for who runs at the end; who cannot be shown all of it is shown nothing."""
        if self._left is not None and sent and self.denial is None:
            try:
                self._left.feed(sent)
            except PenstockError as error:
                log.warning("a stream is not collected: %s", error)
                self._left = None
        return sent

    def _answer(self) -> Content | None:
        if self._left is None:
            return None
        try:
            self._left.close()
            return self._left.response()
        except PenstockError as error:
            log.warning("a stream was not collected: %s", error)
            return None


class Held:
    """Nothing leaves until the whole answer has passed the gate."""

    is_guarded = True

    def __init__(
        self,
        dialect: Dialect,
        gate: Gate,
        exchange: Exchange,
        overrides: Overrides,
        *,
        hide_usage: bool = False,
    ) -> None:
        self.dialect = dialect
        self._gate = gate
        self._exchange = exchange
        self._overrides = overrides
        self._collected: CollectedStream = dialect.collecting(hide_usage=hide_usage)
        self._result: GateResult | None = None

    @property
    def denial(self) -> Denial | None:
        return self._result.denial if self._result else None

    @property
    def usage(self) -> Usage | None:
        return self._collected.usage

    @property
    def has_failed(self) -> bool:
        return self._collected.has_failed

    @property
    def is_done(self) -> bool:
        return self._collected.is_done

    @property
    def ending(self) -> bytes:
        response = self._exchange.response
        assert response is not None  # noqa: S101 - `close` has set it
        events = self._collected.events(response)
        if self.has_failed:
            # In our words: nobody has looked at the upstream's, which are in no response.
            events += self.error(UpstreamError("The upstream failed in the middle of its answer."), "")
        return events

    def feed(self, piece: bytes) -> bytes:
        self._collected.feed(piece)
        return b""

    def due(self) -> bytes:
        return b""

    def wait_ms(self) -> float | None:
        return None

    def close(self) -> bytes:
        self._collected.close()
        self._exchange.response = self._collected.response()
        self._exchange.usage = usage_facts(self._collected.usage)
        self._result = self._gate.run(self._exchange, self._overrides)
        return b""

    def error(self, refusal: Denial | PenstockError, request_id: str) -> bytes:
        return self.dialect.streaming(None).error(refusal, request_id)

    def finish(self, *, is_whole: bool) -> GateResult | None:
        del is_whole
        return self._result
