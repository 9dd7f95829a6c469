"""The gateway: recognises the caller, sends the request on its way, stores what came of it, answers.

Whatever happens after a key was recognised leaves a record; when that cannot be stored, the answer is
withheld. Who is not recognised leaves a line in the log and a count, and no record: there is nobody to
record, and nobody may fill the bucket without a key.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from penstock.denial import Denial
from penstock.dialects import Dialect, Match, dialect_for, spoken
from penstock.errors import ConfigurationError, PenstockError, RequestError, StorageError
from penstock.evidence.digests import Digester
from penstock.evidence.record import EvidenceRecord, SkipReason
from penstock.gates.overrides import Overrides
from penstock.gateway.account import Account
from penstock.gateway.dispatch import receivers, skipped, unwaited
from penstock.gateway.http import HttpRequest, HttpResponse, HttpStream
from penstock.gateway.parts import Parts
from penstock.gateway.passage import REQUEST_STAGE, Passage
from penstock.gateway.passages import passage_of
from penstock.gateway.reply import RETRY, Reply, client_request_id, common_headers, refusal, shown
from penstock.gateway.streaming import Streaming
from penstock.gateway.waiting import Waited
from penstock.governance.denied import Denied

NO_ROUTE: Final = "/{unknown}"
PIECE_BYTES: Final = 65_536  # of a stream that is there whole: what is handed on at a time
TOO_MANY: Final = 429  # the upstream says that it did not serve the request: a retry spends nothing twice

log = logging.getLogger(__name__)


class _Flow(NamedTuple):
    """A stream that has begun: its headers, its bytes, and what ends it from another thread."""

    headers: dict[str, str]
    chunks: Iterator[bytes]
    cancel: Callable[[], None]


class Gateway:
    """Serves one request at a time. One instance per environment."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def handle(self, http: HttpRequest, remaining_s: Callable[[], float]) -> HttpResponse | HttpStream:
        """The response to one request. `remaining_s`: seconds until the function is ended. Never raises."""
        request_id = self._parts.new_id()
        started = self._parts.clock()
        match = _match(http, self._parts)
        dialect = _dialect(http, match)
        try:
            account = self._account(http, match, request_id, started, remaining_s)
        except PenstockError as error:
            log.exception("a request failed", extra={"request_id": request_id})
            answer: Reply | _Flow = refusal(dialect, error, request_id)
        except Exception:
            log.exception("a request crashed", extra={"request_id": request_id})
            answer = refusal(dialect, PenstockError(), request_id)
        else:
            answer = self._closing(http, match, account)
        return _http(dialect, answer, request_id, client_request_id(http.headers))

    def _account(
        self,
        http: HttpRequest,
        match: Match | RequestError,
        request_id: str,
        started: float,
        remaining_s: Callable[[], float],
    ) -> Account:
        digester = Digester(self._parts.digest_key(), request_id)
        own = client_request_id(http.headers)
        route = match.route if isinstance(match, Match) else None
        return Account(
            request_id=request_id,
            received_ms=self._parts.now_ms(),
            started=started,
            dialect=_dialect(http, match).name,
            route=route.template if route else NO_ROUTE,
            snapshot=self._parts.snapshot,
            digester=digester,
            remaining_s=remaining_s,
            client_request_id=digester.text("client_request_id", own) if own else None,
            front_request_id=http.front_request_id,
        )

    def _closing(self, http: HttpRequest, match: Match | RequestError, account: Account) -> Reply | _Flow:
        """The reply, stored; or, when it cannot be stored, the one that withholds it; or a stream."""
        dialect = _dialect(http, match)
        try:
            answer = self._answered(http, match, account)
        except PenstockError as error:
            log.exception("a request failed", extra={"request_id": account.request_id})
            answer = refusal(dialect, error, account.request_id)
        except Exception:
            log.exception("a request crashed", extra={"request_id": account.request_id})
            answer = refusal(dialect, PenstockError(), account.request_id)
        return _marked(answer, account) if isinstance(answer, Reply) else answer

    def _answered(self, http: HttpRequest, match: Match | RequestError, account: Account) -> Reply | _Flow:
        dialect = _dialect(http, match)
        caller = self._parts.authentication.authenticate(http.headers)
        if isinstance(caller, Denied):
            return self._turned_away(dialect, account, caller)
        account.principal = caller.principal.record()
        account.passed("authentication")
        if isinstance(match, RequestError):
            account.denied(REQUEST_STAGE, match.code)
            return self._replied(dialect, account, refusal(dialect, match, account.request_id), None)
        kind = passage_of(match.route.operation)
        passage = kind(self._parts, http, caller, account, account.remaining_s)
        answer = self._passed(passage, match, account)
        if isinstance(answer, Reply):
            return self._replied(dialect, account, answer, passage)
        if answer.is_over:  # all of it is here: what cannot be stored is withheld, as of any answer
            reply = self._replied(dialect, account, answer.reply, passage)
            return answer.whole() if reply is answer.reply else reply
        return _Flow(answer.headers, self._chunks(answer, account, passage), answer.cancel)

    def _chunks(self, streaming: Streaming, account: Account, passage: Passage) -> Iterator[bytes]:
        """All bytes of a stream that has begun. Whoever closes it early is a caller that has gone."""
        try:
            yield from streaming.body()
        except GeneratorExit:
            streaming.leave()
            self._stored(streaming, account, passage)
            raise
        ending = self._stored(streaming, account, passage)
        if not streaming.gone:
            yield ending

    def _stored(self, streaming: Streaming, account: Account, passage: Passage) -> bytes:
        """OUTCOME of a stream; its last bytes, which say so when that could not be stored."""
        try:
            denial = self._closed(account, streaming.reply, passage, has_begun=True)
        except PenstockError as error:
            log.exception("a stream's outcome failed", extra={"request_id": account.request_id})
            return streaming.broken(shown(error))
        except Exception:
            log.exception("a stream's outcome crashed", extra={"request_id": account.request_id})
            return streaming.broken(PenstockError())
        return streaming.ending if denial is None else streaming.broken(denial)

    def _passed(self, passage: Passage, match: Match, account: Account) -> Reply | Streaming:
        try:
            return passage.run(match)
        except Exception:
            # A fault of ours: the caller gets an error, and the record says so, like any other failure.
            log.exception("a request crashed on its way", extra={"request_id": account.request_id})
            return refusal(match.route.dialect, PenstockError(), account.request_id)

    def _turned_away(self, dialect: Dialect, account: Account, denied: Denied) -> Reply:
        """A refusal at the door: recorded when the key was recognised, else counted and logged only."""
        account.controls.append(denied.record)
        reply = refusal(dialect, denied.denial, account.request_id)
        if denied.principal is not None:
            account.principal = denied.principal.record()
            return self._replied(dialect, account, reply, None)
        self._told(account.record(reply, 0, self._parts.clock()))
        return reply

    def _replied(self, dialect: Dialect, account: Account, reply: Reply, passage: Passage | None) -> Reply:
        """`reply`, once OUTCOME is stored; or what is said in its place. Raises as `_closed`."""
        denial = self._closed(account, reply, passage)
        return reply if denial is None else refusal(dialect, denial, account.request_id)

    def _closed(
        self, account: Account, reply: Reply, passage: Passage | None, *, has_begun: bool = False
    ) -> Denial | None:
        """OUTCOME: stored before the caller gets a byte, then given to who is waited for.

        Returns what keeps the answer back after all. Raises StorageError, AccountingError.
        """
        account.join()
        self._fill(account, passage)
        if reply.outcome == "disconnected":
            unwaited(account.placements)
        record = account.record(reply, self._parts.placements, self._parts.clock())
        try:
            self._parts.outbox(record, receivers(account.placements))
        except ConfigurationError as error:  # the queue is not there: no less unstored than by an outage
            raise StorageError("store the outcome") from error
        waited = self._waited(account, record, has_begun=has_begun)
        self._told(waited.record)
        return waited.denial

    def _waited(self, account: Account, record: EvidenceRecord, *, has_begun: bool) -> Waited:
        """What the plugins came to that a deployment waits for; what they failed of is an amendment.

        Everybody who gets OUTCOME is told of an answer that was kept back, also who kept it back: its
        queue brings it OUTCOME, which says `answered`.
        """
        if self._parts.waiting is None:
            return Waited(record)
        waited = self._parts.waiting.deliver(record, account.remaining_s(), has_begun=has_begun)
        if waited.amends:
            told = receivers(record.placements) if waited.denial else []
            try:
                self._parts.outbox(waited.record, told)
            except PenstockError:
                log.exception("an amendment is lost", extra={"request_id": account.request_id})
        return waited

    def _told(self, record: EvidenceRecord) -> None:
        """The line of metrics. What is decided and stored stays so when it cannot be written."""
        try:
            self._parts.telemetry(record)
        except Exception:
            log.exception("a line of metrics is lost", extra={"request_id": record.request_id})

    def _fill(self, account: Account, passage: Passage | None) -> None:
        """One record for every placement that never had its turn, and for those that have it later."""
        facts = passage.facts if passage else {}
        overrides = passage.overrides if passage else Overrides()
        reason: SkipReason = "after_block" if account.stopped else "no_context"
        for gate in (self._parts.before, self._parts.after):
            if gate.moment not in account.gates_ms:
                account.placements += gate.skipped(reason, facts, account.request_id, overrides)
        background = self._parts.background
        account.placements += passage.background() if passage else skipped(background, "no_context")


def _match(http: HttpRequest, parts: Parts) -> Match | RequestError:
    opened = parts.opened.routes if parts.opened else ()
    try:
        return dialect_for(http.method, http.path, http.headers, opened)
    except RequestError as error:
        return error


def _dialect(http: HttpRequest, match: Match | RequestError) -> Dialect:
    """Whose words the caller reads, also on a path that nobody knows."""
    return match.route.dialect if isinstance(match, Match) else spoken(http.headers)


def _marked(reply: Reply, account: Account) -> Reply:
    """Tell clients not to repeat what has already been paid for."""
    if account.upstream_called and reply.outcome != "answered" and reply.status != TOO_MANY:
        reply.headers[RETRY] = "false"
    return reply


def _http(
    dialect: Dialect, answer: Reply | _Flow, request_id: str, own_id: str | None
) -> HttpResponse | HttpStream:
    """The answer with the headers that every response carries."""
    if isinstance(answer, _Flow):
        headers = common_headers(dialect, request_id, own_id, is_stream=True)
        return HttpStream(200, headers | answer.headers, answer.chunks, answer.cancel)
    headers = common_headers(dialect, request_id, own_id, is_stream=answer.is_stream) | answer.headers
    if answer.is_stream:
        return HttpStream(answer.status, headers, iter(_pieces(answer.body)), lambda: None)
    return HttpResponse(answer.status, headers, answer.body)


def _pieces(body: bytes) -> list[bytes]:
    return [body[at : at + PIECE_BYTES] for at in range(0, len(body), PIECE_BYTES)]
