"""The suite of the seam: what holds for every dialect that is listed, and for every route's.

There are two kinds. One asks models: a whole body is a content, and models are listed. MCP carries messages:
each of them is a content, whatever carries it, and a model is nothing that it knows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

import pytest

from penstock.denial import Denial
from penstock.dialects import DIALECTS, ROUTES, Dialect, ListedModel
from penstock.dialects.mcp import batch
from penstock.dialects.mcp.content import ClientMessage, ServerMessage
from penstock.errors import RequestError, UpstreamError

BROKEN = (
    b"",
    b"{",
    b"[" * 100_000,
    b'{"canary":1,"canary":2}',
    b'{"a":NaN}',
    b"\xff",
    b'{"a":"\\ud800"}',
    b"[]",
)
OF_ROUTES = [route.dialect for route in ROUTES]
ASKING = [
    dialect
    for at, dialect in enumerate(OF_ROUTES)
    if ROUTES[at].operation == "generate" and dialect not in OF_ROUTES[:at]
]
CARRYING = [dialect for dialect in DIALECTS if dialect not in ASKING]


class Bodies(NamedTuple):
    """How one kind of dialect reads what comes from either side."""

    name: str
    request: Callable[[bytes], object]
    response: Callable[[bytes], object]


BODIES = (
    *(Bodies(type(dialect).__name__, dialect.decode_request, dialect.decode_response) for dialect in ASKING),
    *(Bodies(dialect.name, ClientMessage.decode, ServerMessage.decode) for dialect in CARRYING),
)

EVERY = pytest.mark.parametrize("dialect", [*ASKING, *CARRYING], ids=lambda dialect: type(dialect).__name__)
EVERY_ASKING = pytest.mark.parametrize("dialect", ASKING, ids=lambda dialect: type(dialect).__name__)
EVERY_CARRYING = pytest.mark.parametrize("dialect", CARRYING, ids=lambda dialect: dialect.name)
EVERY_BODY = pytest.mark.parametrize("bodies", BODIES, ids=lambda bodies: bodies.name)


def test_mcp_alone_carries_messages() -> None:
    assert [dialect.name for dialect in CARRYING] == ["mcp"]
    assert {dialect.name for dialect in DIALECTS} == {dialect.name for dialect in [*ASKING, *CARRYING]}


@EVERY_BODY
@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_request_is_a_clear_400_without_content(bodies: Bodies, body: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        bodies.request(body)
    assert (caught.value.status, caught.value.code) == (400, "invalid_request_body")
    assert "canary" not in str(caught.value)


@EVERY_BODY
@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_answer_is_the_upstreams_failure(bodies: Bodies, body: bytes) -> None:
    with pytest.raises(UpstreamError):
        bodies.response(body)


def _decode_all(body: bytes) -> None:
    for piece in batch.split(body):
        ClientMessage.decode(piece)


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_a_batch_with_a_broken_message_is_a_clear_400_without_content(body: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        _decode_all(b"[" + body + b"]")
    assert (caught.value.status, caught.value.code) == (400, "invalid_request_body")
    assert "canary" not in str(caught.value)


@EVERY
def test_a_refusal_carries_its_code_status_and_request_id(dialect: Dialect) -> None:
    rendered = dialect.render(Denial("a.code", "Because.", 403, "plugin_blocked"), "0190")
    assert rendered.status == 403
    assert rendered.headers["x-penstock-code"] == "a.code"
    assert rendered.headers["x-request-id"] == "0190"
    assert b"Because." in rendered.body


@EVERY_ASKING
def test_models_are_listed_in_order(dialect: Dialect) -> None:
    models = [ListedModel("b", 1, "x"), ListedModel("a", 2, "y")]
    body = dialect.list_models(models).body
    assert body.index(b'"b"') < body.index(b'"a"')
    assert json.loads(dialect.show_model(models[0]).body)["id"] == "b"


@EVERY_CARRYING
@pytest.mark.parametrize(
    "method",
    [
        *("decode_request", "decode_response", "streaming", "collecting", "as_stream", "answer"),
        *("forwarded_headers", "list_models", "show_model"),
    ],
)
def test_what_is_about_models_is_no_route_where_messages_are_carried(dialect: Dialect, method: str) -> None:
    with pytest.raises(RequestError, match="no models") as caught:
        getattr(dialect, method)(b"")
    assert (caught.value.status, caught.value.code) == (404, "unknown_route")
