"""One request's way through the gateway, in the order of its stages.

    receive → request id → authenticate                            gateway.py
      → early guardrails → decode → resolve model + access
      → reserve = durable INTENT
      → GATE before_upstream → re-check what changed → upstream    upstreaming.py
      → GATE after_upstream, on a stream event by event            streaming.py
      → OUTCOME in the outbox, durable → the answer, or its end    gateway.py

A denial is a value and becomes the reply; a failure is raised and becomes one in `run`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Final, cast

from penstock.denial import Denial
from penstock.dialects import Dialect, ListedModel, Match, Rendered, RequestContent, Route
from penstock.errors import PenstockError, RequestError
from penstock.evidence.record import ControlRecord, PlacementRecord
from penstock.gates.exchange import Exchange
from penstock.gates.overrides import Overrides
from penstock.gateway.account import Account
from penstock.gateway.dispatch import dispatch, receivers, skipped
from penstock.gateway.http import HttpRequest
from penstock.gateway.parts import Parts
from penstock.gateway.reply import Reply, noted, refusal
from penstock.gateway.streaming import Streaming
from penstock.gateway.upstreaming import call_upstream, check_size, open_stream
from penstock.gateway.ways import Flowing, Held, Way
from penstock.governance.access import Model
from penstock.governance.authentication import Caller
from penstock.governance.denied import Denied
from penstock.governance.guardrails import check_address, unpack
from penstock.governance.provider_side import check_provider_side

RESERVE_S: Final = 3.0  # kept back of the function's time for OUTCOME: one SQS call, repeated once
# The same and what a stream needs before it: the last of the gate, an error event, a caller that is slow.
# The runtime closes the stream of one that does not read 3 s before the end (`penstock.runtime.client`).
STREAM_RESERVE_S: Final = 5.0
REQUEST_STAGE: Final = "request"


class Passage:
    """One recognised caller's request."""

    def __init__(
        self,
        parts: Parts,
        http: HttpRequest,
        caller: Caller,
        account: Account,
        remaining_s: Callable[[], float],
    ) -> None:
        self._parts = parts
        self._http = http
        self._caller = caller
        self._account = account
        self._remaining_s = remaining_s
        self._background: list[PlacementRecord] | None = None
        self._overrides_known = False
        self.facts: dict[str, str | None] = dict(caller.principal.facts())
        self.overrides = Overrides()

    def run(self, match: Match) -> Reply | Streaming:
        """The reply, or a stream that has begun. Raises only what is no PenstockError."""
        try:
            return self._served(match)
        except RequestError as error:
            self._account.denied(REQUEST_STAGE, error.code)
            return self._refused(match.route.dialect, error)
        except PenstockError as error:
            return self._refused(match.route.dialect, error)

    def background(self) -> list[PlacementRecord]:
        """One record for each background placement; the same once INTENT has named the receivers."""
        if self._background is None:
            placements, request_id = self._parts.background, self._account.request_id
            self._background = (
                dispatch(placements, self.facts, request_id, self.overrides)
                if self._overrides_known
                else skipped(placements, "no_context")  # one of them may have been killed
            )
        return self._background

    def _served(self, match: Match) -> Reply | Streaming:
        dialect = match.route.dialect
        self.facts |= {"dialect": dialect.name, "route": match.route.template}
        body = self._admitted_body()
        if isinstance(body, Denied):
            return self._denied(dialect, body)
        if match.route.operation != "generate":
            return self._listed(dialect, match.parameters.get("model"))
        content = dialect.decode_request(body)
        self._account.stream = content.streams
        model = self._resolved(dialect, content)
        if isinstance(model, Denied):
            return self._denied(dialect, model)
        self._reserve()
        return self._passed(match.route, content, model)

    def _admitted_body(self) -> bytes | Denied:
        caller, parts = self._caller, self._parts
        own = parts.access.addresses(caller.principal)
        self._heed_overrides()
        for networks in (parts.addresses, caller.addresses, own):
            if (denied := check_address(self._http.source_ip, networks)) is not None:
                return denied
        return unpack(self._http.headers, self._http.body, parts.body_limit_bytes)

    def _heed_overrides(self) -> None:
        """Before anything can be refused: what is killed gets no evidence of a refused request either."""
        self.overrides = self._parts.access.overrides()
        self._account.overrides = self.overrides.version
        self._overrides_known = True

    def _resolved(self, dialect: Dialect, content: RequestContent) -> Model | Denied:
        access, account = self._parts.access, self._account
        found = access.model(self._caller.principal, content.model)
        if isinstance(found, Denied):
            account.resource.model = account.digester.text("resource.model", content.model)
            return found
        account.resource.model = found.name
        principal = self._caller.principal
        if (denied := access.spoken_to(principal, found, dialect.name)) is not None:
            return denied
        if (denied := access.others(principal, found, content.other_models)) is not None:
            return denied
        account.passed("access")
        if isinstance(said := self._provider_side(content), Denied):
            return said
        if said is not None:
            account.controls.append(said)
        self.facts["model"] = found.name
        return found

    def _provider_side(self, content: RequestContent) -> Denied | ControlRecord | None:
        return check_provider_side(self._parts.provider_mcp, content.provider_mcp, self._caller.principal)

    def _listed(self, dialect: Dialect, wanted: str | None) -> Reply:
        names = self._parts.access.models(self._caller.principal)
        models = [ListedModel(name, 0, "penstock") for name in names]
        if wanted is None:
            return _answer(dialect.list_models(models))
        for model in models:
            if model.name == wanted:
                return _answer(dialect.show_model(model))
        message = "There is no such model for this key. `GET /v1/models` lists those that it may use."
        raise RequestError(message, code="model_not_found", status=404)

    def _denied(self, dialect: Dialect, denied: Denied) -> Reply:
        self._account.controls.append(denied.record)
        return self._refused(dialect, denied.denial)

    def _refused(self, dialect: Dialect, why: Denial | PenstockError) -> Reply:
        return refusal(dialect, why, self._account.request_id)

    def _reserve(self) -> None:
        """INTENT: from here on a record is left even if this environment dies."""
        account = self._account
        facts = account.intention(receivers(self.background())).facts()
        self._parts.ledger.open_intent(account.request_id, account.received_ms, facts)

    def _passed(self, route: Route, content: RequestContent, model: Model) -> Reply | Streaming:
        account, dialect = self._account, route.dialect
        exchange = self._exchange(dialect, content)
        # What only looks, in functions of its own, runs on beside the upstream; `Account.join` waits for it.
        before = self._parts.before.run(exchange, self.overrides, joined=False)
        account.gate("before_upstream", before)
        account.tags = exchange.tags
        if before.denial is not None:
            return self._refused(dialect, before.denial)
        self._recheck(exchange)
        route = route.answering(exchange.request)
        if before.answer is not None:
            created_s = account.received_ms // 1000
            exchange.response = dialect.answer(before.answer, exchange.request, account.request_id, created_s)
            exchange.status = 200
        elif content.streams:
            return self._begun(route, content, exchange, model)
        else:
            call_upstream(self._parts, account, route, exchange, model, self._left_s(RESERVE_S))
        return self._released(dialect, exchange)

    def _left_s(self, reserve_s: float) -> float:
        """What an upstream may take of the function's time: what is left, without who is waited for."""
        waiting = self._parts.waiting
        waiting_s = waiting.reserve_s(self.background()) if waiting else 0.0
        return max(0.1, self._remaining_s() - reserve_s - waiting_s)

    def _begun(
        self, route: Route, content: RequestContent, exchange: Exchange, model: Model
    ) -> Reply | Streaming:
        """A stream that has something to send, or is over; or a reply, when the upstream sent no stream."""
        parts, account, dialect = self._parts, self._account, route.dialect
        call = open_stream(parts, account, route, exchange, model, self._left_s(STREAM_RESERVE_S))
        if not call.is_stream:
            call.whole(route, exchange)
            return self._released(dialect, exchange)
        call.begin(exchange)
        run = parts.after.stream(exchange, self.overrides)
        hide_usage = model.stream_usage == "ask" and not content.streams_usage
        way: Way = (
            Held(dialect, parts.after, exchange, self.overrides, hide_usage=hide_usage)
            if run.way == "buffer"
            else Flowing(dialect, run, hide_usage=hide_usage)
        )
        streaming = Streaming(way, call, exchange, account, parts.clock)
        streaming.begin()
        return streaming

    def _exchange(self, dialect: Dialect, content: RequestContent) -> Exchange:
        controls = self._account.controls
        return Exchange(
            request_id=self._account.request_id,
            facts=self.facts,
            identity=self._parts.access.identity(self._caller.principal),
            request=content,
            digester=self._account.digester,
            request_headers=dialect.forwarded_headers(self._http.headers),
            said=partial(_said, self._http, content),
            decisions=[{"control": c.stage, "action": c.decision, "reason": c.code} for c in controls],
        )

    def _recheck(self, exchange: Exchange) -> None:
        """The controls again, over what plugins made of the request."""
        limit_bytes = self._parts.body_limit_bytes
        if len(exchange.request.encoded()) > limit_bytes:
            raise RequestError.too_large("The body, as plugins changed it,", limit_bytes)
        if isinstance(said := self._provider_side(cast("RequestContent", exchange.request)), Denied):
            raise RequestError(said.denial.message, code=said.denial.code, status=said.denial.status)

    def _released(self, dialect: Dialect, exchange: Exchange) -> Reply:
        """Through the gate after the upstream, to the caller."""
        after = self._parts.after.run(exchange, self.overrides)
        self._account.gate("after_upstream", after)
        self._account.tags = exchange.tags
        if after.denial is not None:
            return self._refused(dialect, after.denial)
        status = exchange.status or 200
        assert exchange.response is not None  # noqa: S101 - all ways to here have set it
        headers = exchange.response_headers | noted(exchange.notes)
        if status < 300 and self._account.stream:
            events = dialect.as_stream(exchange.response, exchange.request)
            return Reply(status, events, "answered", None, headers, is_stream=True)
        body = exchange.response.encoded()
        check_size(body)
        if status < 300:
            return Reply(status, body, "answered", None, headers)
        return Reply(status, body, "failed", f"upstream_status_{status}", headers)


def _said(http: HttpRequest, content: RequestContent) -> bytes:
    """What a repetition says again: the path with its query, which opened routes pass on, and the body."""
    where = json.dumps([http.method, http.path, http.query]).encode()
    return b"%b\0%b" % (where, content.encoded())


def _answer(rendered: Rendered) -> Reply:
    return Reply(rendered.status, rendered.body, "answered", None, dict(rendered.headers))
