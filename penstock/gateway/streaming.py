"""A streamed answer under way: from the upstream's first byte to the last that may leave before OUTCOME.

    begin     until something can leave, or the answer is over, or 10 s: a refusal is a clean HTTP error still
    body      what leaves, as it comes; keep-alives while nothing does
    ending    what only leaves once OUTCOME is stored: ends of choices, the terminator, or an error event

Who may stop it is in `ways.py`: a guard, a whole gate, or nobody. `reply` says how it ended: answered,
blocked by a plugin, failed with its upstream, which fell silent or said so itself, or left by the caller.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, Protocol

from penstock.denial import Denial
from penstock.dialects import sse
from penstock.errors import PenstockError, UpstreamError
from penstock.evidence.record import Usage
from penstock.gates.exchange import Exchange
from penstock.gateway.account import Account
from penstock.gateway.reply import Reply, noted, refusal
from penstock.gateway.upstreaming import usage_facts
from penstock.gateway.ways import Way
from penstock.sdk.fields import AFTER

log = logging.getLogger(__name__)

# architecture.md, "Streams": until then a block is still a clean 403. From then on at least as often a
# comment: API Gateway ends a stream that is silent for 5 minutes, at its edge for 30 s (aws.md).
SILENCE_S: Final = 10.0
# How long an upstream's end is waited for once its answer is whole. Most send it in the same packet or the
# next; a connection that is closed instead costs the next request a handshake.
LINGER_S: Final = 0.02


class Source(Protocol):
    """What is read: `penstock.upstream.stream.UpstreamStream`, or what stands before one."""

    def read(self, wait_s: float | None = None) -> bytes | None: ...
    def cancel(self) -> None: ...


class Call(Protocol):
    """The call that a stream answers. `ended` closes it, once, and its account."""

    @property
    def stream(self) -> Source: ...
    @property
    def opening_ms(self) -> float: ...
    def failed(self, error: PenstockError) -> None: ...
    def ended(self, usage: Usage | None, *, is_whole: bool) -> None: ...


class Streaming:
    """One streamed answer: `begin`, then `body` to its end or `leave`; then `reply` and `ending` hold."""

    def __init__(
        self, way: Way, call: Call, exchange: Exchange, account: Account, clock: Callable[[], float]
    ) -> None:
        self._way = way
        self._call = call
        self._exchange = exchange
        self._account = account
        self._clock = clock
        self._ready = b""
        self._sent = False
        self._gone = False
        self._has_all = False  # of the answer
        self._elsewhere_s = 0.0
        self.is_over = False
        self.reply = Reply(200, b"", "answered")
        self.ending = b""

    @property
    def headers(self) -> dict[str, str]:
        """The upstream's and the plugins' headers to the caller, as far as they are known now."""
        return self._exchange.response_headers | noted(self._exchange.notes)

    def whole(self) -> Reply:
        """Of one that is over before anything was sent: a refusal, or all of its events at once."""
        events = self._ready + self.ending
        if not events:
            return self.reply
        return replace(self.reply, body=events, headers=self.headers, is_stream=True)

    @property
    def gone(self) -> bool:
        """Whether the caller was seen to go."""
        return self._gone

    def begin(self) -> None:
        """Go on until there is something to send, or nothing is to come, or the caller has waited enough."""
        until = self._clock() + SILENCE_S
        while not self._ready and not self.is_over and (left_s := until - self._clock()) > 0:
            self._ready = self._advance(left_s)

    def body(self) -> Iterator[bytes]:
        """What leaves before the ending. To be closed, like any generator, when the caller goes."""
        self._sent = True
        chunk = self._ready or self._idle()
        while chunk or not self.is_over:
            yield from self._timed(chunk)
            chunk = b"" if self.is_over else self._next()

    def leave(self) -> None:
        """The caller has gone: end it here."""
        self._gone = True
        if not self.is_over:
            self._end(Reply(200, b"", "disconnected"), is_whole=False)

    def cancel(self) -> None:
        """From any thread: the caller has gone while the upstream was waited for. Returns at once."""
        self._gone = True
        self._call.stream.cancel()

    def broken(self, why: Denial | PenstockError) -> bytes:
        """The event that says why no more comes."""
        return self._way.error(why, self._account.request_id)

    def _timed(self, chunk: bytes) -> Iterator[bytes]:
        """Give a chunk, and count the time until the next is asked for as the caller's."""
        before = self._clock()
        yield chunk
        self._elsewhere_s += self._clock() - before

    def _next(self) -> bytes:
        """What comes within ten seconds; what stands for nothing, when nothing does."""
        until = self._clock() + SILENCE_S
        while not self.is_over and (left_s := until - self._clock()) > 0:
            if chunk := self._advance(left_s):
                return chunk
        return b"" if self.is_over else self._idle()

    def _idle(self) -> bytes:
        """Where nobody guards the stream nothing is put into it: it is only seen whether anybody reads."""
        return sse.KEEP_ALIVE if self._way.is_guarded else b""

    def _advance(self, seconds: float) -> bytes:
        """One step: what may leave after it. What goes wrong ends the stream and says how."""
        try:
            chunk = self._step(seconds)
        except PenstockError as error:
            self._fail(error)
        except Exception:
            log.exception("a stream crashed", extra={"request_id": self._account.request_id})
            self._fail(PenstockError())
        else:
            if self._way.denial is None:
                self._account.sent_first(chunk, self._clock())
                return chunk
            self._refuse(self._way.denial)
        return b""

    def _step(self, seconds: float) -> bytes:
        if self._has_all:  # with what left in the step before
            return self._completed()
        due_ms = self._way.wait_ms()
        before = self._clock()
        piece = self._call.stream.read(seconds if due_ms is None else min(seconds, due_ms / 1000))
        self._elsewhere_s += self._clock() - before
        if piece is None:
            return self._way.due()
        chunk = self._way.feed(piece) if piece else b""
        self._has_all = not piece or self._way.is_done
        is_over = self._has_all and not chunk and self._way.denial is None
        return self._completed() if is_over else chunk

    def _completed(self) -> bytes:
        """The answer has ended, by its terminator or with its connection: what leaves before the ending."""
        if self._way.is_done:
            self._let_end()
        chunk = self._way.close()
        if self._way.denial is None:
            self._complete()
        return chunk

    def _let_end(self) -> None:
        """After the terminator: take the end that mostly comes with it, so that the connection can be reused.

        What else comes is dropped, and an end that is none is no failure: the answer was whole before it.
        """
        before = self._clock()
        try:
            while (left_s := before + LINGER_S - self._clock()) > 0 and self._call.stream.read(left_s):
                pass
        except UpstreamError:
            if self._gone:  # the read was broken off by `cancel`
                raise
        finally:
            self._elsewhere_s += self._clock() - before

    def _complete(self) -> None:
        reply = Reply(200, b"", "answered")
        if self._way.has_failed:
            reply = Reply(200, b"", "failed", "upstream_error", cause="stream_error")
        self.ending = self._way.ending
        self._account.sent_first(self.ending, self._clock())
        self._end(reply, is_whole=True)

    def _refuse(self, why: Denial | PenstockError) -> None:
        reply = refusal(self._way.dialect, why, self._account.request_id)
        self.ending = b""
        if self._sent or self._ready:
            reply.status, self.ending = 200, self.broken(why)
        if self.is_over:  # it went wrong while it was ended
            self.reply = reply
        else:
            self._end(reply, is_whole=False)

    def _fail(self, error: PenstockError) -> None:
        if self._gone:
            self.leave()
            return
        log.warning("a stream failed: %s", error, extra={"request_id": self._account.request_id})
        self._call.failed(error)
        self._refuse(error)

    def _end(self, reply: Reply, *, is_whole: bool) -> None:
        """Close the upstream and give the account what it was, once."""
        self.is_over = True
        self.reply = reply
        account = self._account
        account.elsewhere_ms = self._elsewhere_s * 1000 + self._call.opening_ms
        usage = self._way.usage
        self._call.ended(usage, is_whole=is_whole)
        self._exchange.usage = usage_facts(usage)  # for who runs at the end
        if (result := self._way.finish(is_whole=is_whole)) is not None:
            account.gate(AFTER, result)
