"""One request's way through the gateway, in the order of its stages.

    receive → request id → authenticate                            gateway.py
      → early guardrails → decode → resolve model + access
      → reserve = durable INTENT
      → GATE before_upstream → re-check what changed → upstream
      → GATE after_upstream
      → OUTCOME in the outbox, durable → the answer                gateway.py

A denial is a value and becomes the reply; a failure is raised and becomes one in `run`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, cast

from penstock.denial import Denial
from penstock.dialects import Dialect, ListedModel, Match, Rendered, RequestContent, ResponseContent, Route
from penstock.errors import ConfigurationError, PenstockError, RequestError, StorageError, UpstreamError
from penstock.evidence.record import Outcome, PlacementRecord, UpstreamRecord
from penstock.gates.exchange import Exchange
from penstock.gates.overrides import Overrides
from penstock.gateway.account import Account
from penstock.gateway.dispatch import dispatch, receivers, skipped
from penstock.gateway.http import HttpRequest
from penstock.gateway.reply import PASSED_ON, RETRY, Reply, forwarded_headers, passed_headers
from penstock.governance.access import Model
from penstock.governance.authentication import Caller
from penstock.governance.denied import Denied
from penstock.governance.guardrails import check_address, unpack
from penstock.upstream.client import UpstreamAnswer

if TYPE_CHECKING:
    from penstock.gateway.gateway import Parts

RESERVE_S: Final = 3.0  # kept back of the function's time for OUTCOME: one SQS call, repeated once
USAGE: Final = ("input_tokens", "output_tokens", "cached", "reasoning")
TOO_MANY: Final = (
    429  # the upstream itself says that it did not serve the request: a retry spends nothing twice
)


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
        self._upstream_called = False
        self._background: list[PlacementRecord] | None = None
        self._facts: dict[str, str | None] = dict(caller.principal.facts())
        self.overrides = Overrides()
        self._overrides_known = False

    def run(self, match: Match) -> Reply:
        """The reply, whatever happens on the way. Raises only what is no PenstockError."""
        dialect = match.route.dialect
        try:
            reply = self._served(match)
        except PenstockError as error:
            reply = self._refused(dialect, error)
        return self.marked(reply)

    def marked(self, reply: Reply) -> Reply:
        """Tell clients not to repeat what has already been paid for."""
        if self._upstream_called and reply.outcome != "answered" and reply.status != TOO_MANY:
            reply.headers[RETRY] = "false"
        return reply

    def background(self) -> list[PlacementRecord]:
        """One record for each background placement; the same once INTENT has named the receivers."""
        if self._background is None:
            placements, request_id = self._parts.background, self._account.request_id
            self._background = (
                dispatch(placements, self._facts, request_id, self.overrides)
                if self._overrides_known
                else skipped(placements, "no_context")  # one of them may have been killed
            )
        return self._background

    def _served(self, match: Match) -> Reply:
        dialect = match.route.dialect
        self._facts |= {"dialect": dialect.name, "route": match.route.template}
        body = self._admitted_body()
        if isinstance(body, Denied):
            return self._denied(dialect, body)
        if match.route.operation != "generate":
            return self._listed(dialect, match.parameters.get("model"))
        content = dialect.decode_request(body)
        model = self._resolved(content)
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

    def _resolved(self, content: RequestContent) -> Model | Denied:
        access, account = self._parts.access, self._account
        found = access.model(self._caller.principal, content.model)
        if isinstance(found, Denied):
            account.resource.model = account.digester.text("resource.model", content.model)
            return found
        if (denied := access.others(self._caller.principal, found, content.other_models)) is not None:
            account.resource.model = found.name
            return denied
        account.passed("access")
        account.resource.model = found.name
        self._facts["model"] = found.name
        return found

    def _listed(self, dialect: Dialect, wanted: str | None) -> Reply:
        models = [
            ListedModel(name, 0, "penstock") for name in self._parts.access.models(self._caller.principal)
        ]
        if wanted is None:
            return _answer(dialect.list_models(models))
        for model in models:
            if model.name == wanted:
                return _answer(dialect.show_model(model))
        message = "There is no such model for this key. `GET /v1/models` lists those that it may use."
        return self._refused(dialect, RequestError(message, code="model_not_found", status=404))

    def _denied(self, dialect: Dialect, denied: Denied) -> Reply:
        self._account.controls.append(denied.record)
        return self._refused(dialect, denied.denial)

    def _refused(self, dialect: Dialect, why: Denial | PenstockError) -> Reply:
        """A denial or a failure in the dialect's error shape."""
        rendered = dialect.render(why, self._account.request_id)
        blocked = isinstance(why, Denial) and why.kind != "plugin_unavailable"
        outcome: Outcome = "blocked" if blocked else "failed"
        return Reply(rendered.status, rendered.body, outcome, why.code, dict(rendered.headers))

    def _reserve(self) -> None:
        """INTENT: from here on a record is left even if this environment dies."""
        account = self._account
        facts = account.intention(receivers(self.background())).facts()
        self._parts.ledger.open_intent(account.request_id, account.received_ms, facts)

    def _passed(self, route: Route, content: RequestContent, model: Model) -> Reply:
        dialect = route.dialect
        exchange = self._exchange(content)
        before = self._parts.before.run(exchange, self.overrides)
        self._account.gate("before_upstream", before)
        self._account.tags = exchange.tags
        if before.denial is not None:
            return self._refused(dialect, before.denial)
        self._recheck(exchange)
        if before.answer is None:
            headers = self._call(route, exchange, model)
        else:
            headers = {}
            seconds = self._account.received_ms // 1000
            exchange.response = dialect.answer(
                before.answer, exchange.request, self._account.request_id, seconds
            )
            exchange.status = 200
        return self._released(dialect, exchange, headers)

    def _exchange(self, content: RequestContent) -> Exchange:
        return Exchange(
            request_id=self._account.request_id,
            facts=self._facts,
            identity=self._parts.access.identity(self._caller.principal),
            request=content,
            digester=self._account.digester,
            request_headers=forwarded_headers(self._http.headers),
        )

    def _recheck(self, exchange: Exchange) -> None:
        """The controls again, over what plugins made of the request."""
        limit_bytes = self._parts.body_limit_bytes
        if len(exchange.request.encoded()) > limit_bytes:
            raise RequestError.too_large("The body, as plugins changed it,", limit_bytes)

    def _call(self, route: Route, exchange: Exchange, model: Model) -> Mapping[str, str]:
        """Put the upstream's answer into the exchange; its headers. Raises UpstreamError."""
        answer = self._sent(route, exchange, model)
        response = route.dialect.decode_response(answer.body)
        exchange.status = answer.status
        exchange.response = response
        self._count(exchange, response, model)
        return answer.headers

    def _sent(self, route: Route, exchange: Exchange, model: Model) -> UpstreamAnswer:
        """The upstream's answer, when it is one to pass on; every attempt leaves its line in the account."""
        key = self._provider_key(model)
        # An edited content is of the kind that it was.
        body = cast("RequestContent", exchange.request).with_model(model.upstream_model)
        seconds = max(0.1, self._remaining_s() - RESERVE_S)
        self._upstream_called = True
        started = self._parts.clock()
        try:
            answer = self._parts.upstream.post(
                model.target, route.upstream_path, body, exchange.request_headers, key, seconds
            )
        except UpstreamError as error:
            self._attempted(model, None, error.outcome, (self._parts.clock() - started) * 1000)
            raise
        outcome = "answered" if answer.status < 300 else f"status_{answer.status}"
        self._attempted(model, answer.status, outcome, answer.ms)
        if answer.status >= 300 and answer.status not in PASSED_ON:
            raise UpstreamError("The upstream did not serve this request.", outcome=outcome)
        return answer

    def _provider_key(self, model: Model) -> str | None:
        if model.target.secret is None:
            return None
        try:
            return self._parts.secrets.get(model.target.secret)
        except (StorageError, ConfigurationError) as error:
            self._attempted(model, None, "no_credentials", 0.0)
            raise UpstreamError("The upstream's key cannot be read.", outcome="no_credentials") from error

    def _attempted(self, model: Model, status: int | None, outcome: str, ms: float) -> None:
        self._account.upstream.append(
            UpstreamRecord(1, model.target.provider, model.upstream_model, status, outcome, round(ms, 3))
        )

    def _count(self, exchange: Exchange, response: ResponseContent, model: Model) -> None:
        usage = response.usage()
        self._account.usage = usage
        self._account.cost_nanousd = model.cost_nanousd(usage.input_tokens, usage.output_tokens, usage.cached)
        exchange.usage = {name: getattr(usage, name) for name in USAGE}

    def _released(self, dialect: Dialect, exchange: Exchange, headers: Mapping[str, str]) -> Reply:
        """Through the gate after the upstream, to the caller."""
        after = self._parts.after.run(exchange, self.overrides)
        self._account.gate("after_upstream", after)
        self._account.tags = exchange.tags
        if after.denial is not None:
            return self._refused(dialect, after.denial)
        status = exchange.status or 200
        assert exchange.response is not None  # noqa: S101 - both ways to here have set it
        body = exchange.response.encoded()
        passed = passed_headers(headers, exchange)
        if status < 300:
            return Reply(status, body, "answered", None, passed)
        return Reply(status, body, "failed", UpstreamError.code, passed)


def _answer(rendered: Rendered) -> Reply:
    return Reply(rendered.status, rendered.body, "answered", None, dict(rendered.headers))
