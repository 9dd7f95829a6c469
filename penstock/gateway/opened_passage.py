"""One request on a path that the operator has opened: its way is that of any other, but nobody reads it.

    address rules → early guardrails → the route's own bound → access grant by the route's name
      → reserve = durable INTENT
      → GATE before_upstream, over facts and headers; who reads content meets a body that it cannot see
      → upstream, with the provider's credentials
      → GATE after_upstream, likewise; of a stream before its first byte
      → OUTCOME → the answer as it came

The record says in `uninspected` that the operator lets both bodies pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NoReturn, cast

from typing_extensions import override

from penstock.dialects import Dialect, Match, RequestContent, Route
from penstock.dialects.opened.content import BODY, OpenedAnswer, OpenedRequest
from penstock.dialects.opened.dialect import UNSAID, media_type
from penstock.dialects.opened.route import VERSION, OpenedRoute
from penstock.errors import RequestError
from penstock.evidence.record import ControlRecord, Uninspected
from penstock.gates.exchange import Exchange
from penstock.gateway.opened_way import OpenedWay
from penstock.gateway.passage import STREAM_RESERVE_S, Passage
from penstock.gateway.reply import Reply, noted
from penstock.gateway.streaming import Streaming
from penstock.gateway.upstreaming import Call, open_stream
from penstock.governance.access import STAGE, Model
from penstock.governance.denied import Denied
from penstock.upstream.client import PassingUpstream, Sending
from penstock.upstream.stream import UpstreamStream
from penstock.upstream.target import Target


class OpenedPassage(Passage):
    """One recognised caller's request that nobody reads."""

    _type = UNSAID

    @override
    def _served(self, match: Match) -> Reply | Streaming:
        route = cast("OpenedRoute", match.route)
        dialect = route.dialect
        self.facts |= {"dialect": dialect.name, "route": route.template}
        body = self._admitted_body()
        if isinstance(body, Denied):
            return self._denied(dialect, body)
        if len(body) > route.body_limit_bytes:
            raise RequestError.too_large("The body", route.body_limit_bytes)
        provider = self._parts.access.opened(self._caller.principal, route.id, route.provider)
        if isinstance(provider, Denied):
            return self._denied(dialect, provider)
        self._account.controls.append(ControlRecord(STAGE, "allow", "route_opened", scope=route.id))
        self._account.uninspected += [_unread(part, route) for part in ("request", "response")]
        self._reserve()
        return self._passed(route, OpenedRequest(body), provider)

    @override
    def _begun(
        self, route: Route, content: RequestContent, exchange: Exchange, model: Model
    ) -> Reply | Streaming:
        call = self._called(route, exchange, model)
        self._type = media_type(call.stream.headers) or UNSAID
        if not call.is_stream:
            call.whole(route, exchange)
            return self._released(route.dialect, exchange)
        try:
            call.begin(exchange)
            exchange.response = OpenedAnswer(b"")
            refused = self._judged(route.dialect, exchange)
        except BaseException:
            call.ended(None, is_whole=False)
            raise
        if refused is not None:
            call.ended(None, is_whole=False)
            return refused
        self._account.stream = True
        streaming = Streaming(OpenedWay(route.dialect), call, exchange, self._account, self._parts.clock)
        streaming.begin()
        return streaming

    @override
    def _released(self, dialect: Dialect, exchange: Exchange) -> Reply:
        if (refused := self._judged(dialect, exchange)) is not None:
            return refused
        assert exchange.response is not None  # noqa: S101 - all ways to here have set it
        status, body = exchange.status or 200, exchange.response.encoded()
        headers = exchange.response_headers | {"content-type": self._type} | noted(exchange.notes)
        failed = status >= 300
        # In pieces, as bytes: Lambda carries no more than 6 MB of anything else, and no bytes as they are.
        return Reply(
            status,
            body,
            "failed" if failed else "answered",
            f"upstream_status_{status}" if failed else None,
            headers,
            is_stream=bool(body),
        )

    def _called(self, route: Route, exchange: Exchange, model: Model) -> Call:
        opened = self._parts.opened
        assert opened is not None  # noqa: S101 - the route comes from there
        passing = _Passing(opened.upstream, Sending(self._http.method, self._http.query, b""))
        there = replace(route, upstream_path=self._http.path.removeprefix(VERSION))
        parts = replace(self._parts, upstream=passing)
        return open_stream(parts, self._account, there, exchange, model, self._left_s(STREAM_RESERVE_S))

    def _judged(self, dialect: Dialect, exchange: Exchange) -> Reply | None:
        """Through the gate after the upstream; a refusal, if it is one."""
        after = self._parts.after.run(exchange, self.overrides)
        self._account.gate("after_upstream", after)
        self._account.tags = exchange.tags
        return None if after.denial is None else self._refused(dialect, after.denial)


@dataclass(frozen=True, slots=True)
class _Passing:
    """An `Upstream` that sends one request, as it came."""

    upstream: PassingUpstream
    sending: Sending

    def post(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("what an answer is, its head says")

    def stream(
        self,
        target: Target,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        key: str | None,
        seconds: float,
    ) -> UpstreamStream:
        return self.upstream.send(target, path, replace(self.sending, body=body), headers, key, seconds)


def _unread(part: str, route: OpenedRoute) -> Uninspected:
    """The operator's own statement; what guards say of it stands beside it."""
    return Uninspected(part, BODY, "allow", f"route:{route.id}")
