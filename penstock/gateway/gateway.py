"""The gateway: recognises the caller, sends the request on its way, stores what came of it, answers.

Whatever happens after a key was recognised leaves a record; when that cannot be stored, the answer is
withheld. Who is not recognised leaves a line in the log and a count, and no record: there is nobody to
record, and nobody may fill the bucket without a key.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from penstock.adapters.ledger import Ledger
from penstock.adapters.secrets import Secrets
from penstock.denial import Denial
from penstock.dialects import DEFAULT, Dialect, Match, dialect_for
from penstock.errors import PenstockError, RequestError, StorageError
from penstock.evidence.digests import Digester, DigestKey
from penstock.evidence.record import EvidenceRecord, Outcome, SkipReason, now_ms
from penstock.gates.gate import Gate
from penstock.gates.overrides import Overrides
from penstock.gates.placement import Placement
from penstock.gateway.account import Account
from penstock.gateway.dispatch import receivers, skipped
from penstock.gateway.http import HttpRequest, HttpResponse
from penstock.gateway.passage import Passage
from penstock.gateway.reply import Reply, client_request_id, common_headers
from penstock.governance.access import Access
from penstock.governance.authentication import Authentication
from penstock.governance.denied import Denied
from penstock.ids import uuid7
from penstock.upstream.client import Upstream

NO_ROUTE = "/{unknown}"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a gateway is made of. Built once per environment, in `environment.py`; by hand in tests."""

    snapshot: str
    """Digest of the deployed snapshot, for every record."""
    before: Gate
    after: Gate
    background: Sequence[Placement]
    authentication: Authentication
    access: Access
    upstream: Upstream
    secrets: Secrets
    ledger: Ledger
    outbox: Callable[[EvidenceRecord, Sequence[str]], None]
    """Stores OUTCOME and the names of the plugins that get it, durably. Raises StorageError."""
    telemetry: Callable[[EvidenceRecord], None]
    digest_key: Callable[[], DigestKey]
    """The evidence key. Raises StorageError."""
    body_limit_bytes: int
    addresses: Sequence[str] = ()
    """Networks (CIDR) that any request may come from; none means any."""
    new_id: Callable[[], str] = uuid7
    clock: Callable[[], float] = time.monotonic
    now_ms: Callable[[], int] = now_ms

    @property
    def placements(self) -> int:
        """How many records a request must leave."""
        return len(self.before.placements) + len(self.after.placements) + len(self.background)


class Gateway:
    """Serves one request at a time. One instance per environment."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def handle(self, http: HttpRequest, remaining_s: Callable[[], float]) -> HttpResponse:
        """The response to one request. `remaining_s`: seconds until the function is ended. Never raises."""
        request_id = self._parts.new_id()
        started = self._parts.clock()
        match = _match(http)
        dialect = match.route.dialect if isinstance(match, Match) else DEFAULT
        try:
            account = self._account(http, match, request_id, started)
            reply = self._answered(http, match, account, remaining_s)
        except PenstockError as error:
            log.exception("a request failed", extra={"request_id": request_id})
            reply = _refusal(dialect, error, request_id)
        except Exception:
            log.exception("a request crashed", extra={"request_id": request_id})
            reply = _refusal(dialect, PenstockError(), request_id)
        headers = common_headers(request_id, client_request_id(http.headers))
        return HttpResponse(reply.status, headers | reply.headers, reply.body)

    def _account(
        self, http: HttpRequest, match: Match | RequestError, request_id: str, started: float
    ) -> Account:
        digester = Digester(self._parts.digest_key(), request_id)
        own = client_request_id(http.headers)
        route = match.route if isinstance(match, Match) else None
        return Account(
            request_id=request_id,
            received_ms=self._parts.now_ms(),
            started=started,
            dialect=route.dialect.name if route else DEFAULT.name,
            route=route.template if route else NO_ROUTE,
            snapshot=self._parts.snapshot,
            digester=digester,
            client_request_id=digester.text("client_request_id", own) if own else None,
            front_request_id=http.front_request_id,
        )

    def _answered(
        self,
        http: HttpRequest,
        match: Match | RequestError,
        account: Account,
        remaining_s: Callable[[], float],
    ) -> Reply:
        caller = self._parts.authentication.authenticate(http.headers)
        if isinstance(caller, Denied):
            return self._turned_away(match, account, caller)
        account.principal = caller.principal.record()
        account.passed("authentication")
        if isinstance(match, RequestError):
            reply = _refusal(DEFAULT, match, account.request_id)
            return self._closed(account, reply, None)
        passage = Passage(self._parts, http, caller, account, remaining_s)
        return self._closed(account, self._passed(passage, match, account), passage)

    def _passed(self, passage: Passage, match: Match, account: Account) -> Reply:
        try:
            return passage.run(match)
        except Exception:
            # A fault of ours: the caller gets an error, and the record says so, like any other failure.
            log.exception("a request crashed on its way", extra={"request_id": account.request_id})
            return passage.marked(_refusal(match.route.dialect, PenstockError(), account.request_id))

    def _turned_away(self, match: Match | RequestError, account: Account, denied: Denied) -> Reply:
        """A refusal at the door: recorded when the key was recognised, else counted and logged only."""
        dialect = match.route.dialect if isinstance(match, Match) else DEFAULT
        account.controls.append(denied.record)
        reply = _refusal(dialect, denied.denial, account.request_id)
        if denied.principal is not None:
            account.principal = denied.principal.record()
            return self._closed(account, reply, None)
        self._parts.telemetry(account.record("blocked", reply.status, reply.code, 0, self._parts.clock()))
        return reply

    def _closed(self, account: Account, reply: Reply, passage: Passage | None) -> Reply:
        """OUTCOME: stored before the caller gets a byte. Raises AccountingError."""
        self._fill(account, passage)
        record = account.record(
            reply.outcome, reply.status, reply.code, self._parts.placements, self._parts.clock()
        )
        try:
            self._parts.outbox(record, receivers(account.placements))
        except StorageError as error:
            log.exception("an outcome was not stored", extra={"request_id": account.request_id})
            withheld = _refusal(DEFAULT, error, account.request_id)
            return passage.marked(withheld) if passage else withheld
        self._parts.telemetry(record)
        return reply

    def _fill(self, account: Account, passage: Passage | None) -> None:
        """One record for every placement that never had its turn, and for those that have it later."""
        overrides = passage.overrides if passage else Overrides()
        stopped = any(record.action == "block" for record in account.placements)
        for gate in (self._parts.before, self._parts.after):
            if gate.moment not in account.gates_ms:
                reason: SkipReason = "after_block" if stopped else "no_context"
                account.placements += gate.skipped(reason, overrides)
        background = self._parts.background
        account.placements += passage.background() if passage else skipped(background, "no_context")


def _match(http: HttpRequest) -> Match | RequestError:
    try:
        return dialect_for(http.method, http.path)
    except RequestError as error:
        return error


def _refusal(dialect: Dialect, why: Denial | PenstockError, request_id: str) -> Reply:
    rendered = dialect.render(why, request_id)
    outcome: Outcome = "blocked" if isinstance(why, Denial) else "failed"
    return Reply(rendered.status, rendered.body, outcome, why.code, dict(rendered.headers))
