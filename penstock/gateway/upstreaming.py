"""Calls a model's upstream, puts its answer into the exchange, and every attempt into the account."""

from __future__ import annotations

import json
from typing import Final, cast

from penstock.dialects import RequestContent, ResponseContent, Route
from penstock.errors import ConfigurationError, StorageError, UpstreamError
from penstock.evidence.record import UpstreamRecord
from penstock.gates.exchange import Exchange
from penstock.gateway.account import Account
from penstock.gateway.parts import Parts
from penstock.gateway.reply import PASSED_ON, passed_headers
from penstock.governance.access import Model
from penstock.upstream.client import UpstreamAnswer

USAGE: Final = ("input_tokens", "output_tokens", "cached", "reasoning")
# Lambda takes 6,291,556 bytes of answer, counted after the body was escaped into the answer's JSON (Lambda
# quotas, and its error `Response payload size exceeded`). The rest is for headers.
MAX_ANSWER_BYTES: Final = 6_200_000
_MOST_ESCAPED: Final = 6  # one byte as \u00XX


def call_upstream(
    parts: Parts, account: Account, route: Route, exchange: Exchange, model: Model, seconds: float
) -> None:
    """Send the exchange's request, take the response, its headers and its usage. Raises UpstreamError."""
    key = _provider_key(parts, account, model)
    # An edited content is of the kind that it was.
    body = cast("RequestContent", exchange.request).with_model(model.upstream_model)
    account.upstream_called = True
    started = parts.clock()
    status: int | None = None
    try:
        answer = parts.upstream.post(
            model.target, route.upstream_path, body, exchange.request_headers, key, seconds
        )
        status = answer.status
        response = _decoded(route, answer)
    except UpstreamError as error:
        _attempted(account, model, status, error.outcome, (parts.clock() - started) * 1000)
        raise
    _attempted(account, model, status, "answered" if status < 300 else f"status_{status}", answer.ms)
    exchange.status, exchange.response = status, response
    exchange.response_headers = passed_headers(answer.headers)
    _count(account, exchange, response, model)


def check_size(body: bytes) -> None:
    """Raises UpstreamError when Lambda would not carry `body`, whoever made it so large."""
    if len(body) * _MOST_ESCAPED > MAX_ANSWER_BYTES and len(json.dumps(body.decode())) > MAX_ANSWER_BYTES:
        raise UpstreamError("The answer is larger than can be passed on.", outcome="too_large")


def _decoded(route: Route, answer: UpstreamAnswer) -> ResponseContent:
    """Raises UpstreamError for what is no answer, or none about the caller's own request."""
    if answer.status >= 300 and answer.status not in PASSED_ON:
        raise UpstreamError("The upstream did not serve this request.", outcome=f"status_{answer.status}")
    return route.dialect.decode_response(answer.body)


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


def _count(account: Account, exchange: Exchange, response: ResponseContent, model: Model) -> None:
    usage = response.usage()
    account.usage = usage
    account.cost_nanousd = model.cost_nanousd(usage.input_tokens, usage.output_tokens, usage.cached)
    exchange.usage = {name: getattr(usage, name) for name in USAGE}
