"""Calls a model's upstream, puts its answer into the exchange, and every attempt into the account.

`call_upstream` takes a whole answer; `open_stream` gives a `Call`: an answer that comes piece by piece, or
the whole one that an upstream gave instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, cast

from penstock.dialects import RequestContent, ResponseContent, Route
from penstock.errors import ConfigurationError, PenstockError, StorageError, UpstreamError
from penstock.evidence.record import UpstreamRecord, Usage
from penstock.gates.exchange import Exchange
from penstock.gateway.account import Account
from penstock.gateway.parts import Parts
from penstock.gateway.reply import PASSED_ON, passed_headers
from penstock.governance.access import Model
from penstock.upstream.stream import UpstreamStream

USAGE: Final = ("input_tokens", "output_tokens", "cached", "reasoning")
# Lambda takes 6,291,556 bytes of answer, counted after the body was escaped into the answer's JSON (Lambda
# quotas, and its error `Response payload size exceeded`). The rest is for headers.
MAX_ANSWER_BYTES: Final = 6_200_000
_MOST_ESCAPED: Final = 6  # one byte as \u00XX


def call_upstream(
    parts: Parts, account: Account, route: Route, exchange: Exchange, model: Model, seconds: float
) -> None:
    """Send the exchange's request, take the response, its headers and its usage. Raises UpstreamError."""
    key, body = _provider_key(parts, account, model), _body(exchange, model)
    account.upstream_called = True
    started = parts.clock()
    status: int | None = None
    try:
        answer = parts.upstream.post(
            model.target, route.upstream_path, body, exchange.request_headers, key, seconds
        )
        status = answer.status
        response = _decoded(route, answer.status, answer.body)
    except UpstreamError as error:
        _attempted(account, model, status, error.outcome, (parts.clock() - started) * 1000)
        raise
    _attempted(account, model, status, _outcome(status), answer.ms)
    _take(exchange, response, status, answer.headers)
    _count(account, response.usage(), model)
    exchange.usage = usage_facts(response.usage())


class Call:
    """A call whose answer may be a stream. Exactly one of `whole` and `ended` closes its account."""

    def __init__(self, stream: UpstreamStream, account: Account, model: Model) -> None:
        self.stream = stream
        self.opening_ms = stream.ms
        self._account = account
        self._model = model
        self._outcome = "answered"

    @property
    def is_stream(self) -> bool:
        """Whether events come. Any other answer is taken whole: an error, or JSON in a stream's place."""
        return self.stream.status < 300 and self.stream.is_event_stream

    def begin(self, exchange: Exchange) -> None:
        """What is known of a stream before its first event."""
        exchange.status = self.stream.status
        exchange.response_headers = passed_headers(self.stream.headers)

    def whole(self, route: Route, exchange: Exchange) -> None:
        """Take an answer that is no stream. Raises UpstreamError."""
        stream, account, model = self.stream, self._account, self._model
        try:
            response = _decoded(route, stream.status, stream.body())
        except UpstreamError as error:
            _attempted(account, model, stream.status, error.outcome, stream.ms)
            raise
        finally:
            stream.close()
        _attempted(account, model, stream.status, _outcome(stream.status), stream.ms)
        _take(exchange, response, stream.status, stream.headers)
        _count(account, response.usage(), model)
        exchange.usage = usage_facts(response.usage())

    def failed(self, error: PenstockError) -> None:
        """The stream broke: what the record says of the attempt."""
        self._outcome = error.outcome if isinstance(error, UpstreamError) else "stopped"

    def ended(self, usage: Usage | None, *, is_whole: bool) -> None:
        """Close the stream and give the account what it was."""
        self.stream.close()
        outcome = "stopped" if self._outcome == "answered" and not is_whole else self._outcome
        _attempted(self._account, self._model, self.stream.status, outcome, self.stream.ms)
        if usage is not None:
            _count(self._account, usage, self._model)


def open_stream(
    parts: Parts, account: Account, route: Route, exchange: Exchange, model: Model, seconds: float
) -> Call:
    """Send the exchange's request and wait for status and headers. Raises UpstreamError."""
    key, body = _provider_key(parts, account, model), _body(exchange, model)
    account.upstream_called = True
    started = parts.clock()
    try:
        stream = parts.upstream.stream(
            model.target, route.upstream_path, body, exchange.request_headers, key, seconds
        )
    except UpstreamError as error:
        _attempted(account, model, None, error.outcome, (parts.clock() - started) * 1000)
        raise
    return Call(stream, account, model)


def usage_facts(usage: Usage | None) -> dict[str, int]:
    """`response.usage` as plugins see it; empty when the upstream said nothing."""
    return {name: getattr(usage, name) for name in USAGE} if usage else {}


def check_size(body: bytes) -> None:
    """Raises UpstreamError when Lambda would not carry `body`, whoever made it so large."""
    if len(body) * _MOST_ESCAPED > MAX_ANSWER_BYTES and len(json.dumps(body.decode())) > MAX_ANSWER_BYTES:
        raise UpstreamError("The answer is larger than can be passed on.", outcome="too_large")


def _body(exchange: Exchange, model: Model) -> bytes:
    # An edited content is of the kind that it was.
    request = cast("RequestContent", exchange.request)
    return request.with_model(model.upstream_model, asks_usage=model.stream_usage == "ask")


def _decoded(route: Route, status: int, body: bytes) -> ResponseContent:
    """Raises UpstreamError for what is no answer, or none about the caller's own request."""
    if status >= 300 and status not in PASSED_ON:
        raise UpstreamError("The upstream did not serve this request.", outcome=f"status_{status}")
    return route.dialect.decode_response(body)


def _outcome(status: int) -> str:
    return "answered" if status < 300 else f"status_{status}"


def _take(exchange: Exchange, response: ResponseContent, status: int, headers: Mapping[str, str]) -> None:
    exchange.status, exchange.response = status, response
    exchange.response_headers = passed_headers(headers)


def _provider_key(parts: Parts, account: Account, model: Model) -> str | None:
    if model.target.secret is None:
        return None
    try:
        return parts.secrets.get(model.target.secret)
    except (StorageError, ConfigurationError) as error:
        _attempted(account, model, None, "no_credentials", 0.0)
        raise UpstreamError("The upstream's key cannot be read.", outcome="no_credentials") from error


def _attempted(account: Account, model: Model, status: int | None, outcome: str, ms: float) -> None:
    account.upstream.append(
        UpstreamRecord(1, model.target.provider, model.upstream_model, status, outcome, round(ms, 3))
    )


def _count(account: Account, usage: Usage, model: Model) -> None:
    account.usage = usage
    account.cost_nanousd = model.cost_nanousd(usage.input_tokens, usage.output_tokens, usage.cached)
