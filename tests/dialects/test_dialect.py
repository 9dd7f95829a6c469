"""The suite of the seam: what holds for every dialect that is listed."""

from __future__ import annotations

import json

import pytest

from penstock.denial import Denial
from penstock.dialects import DIALECTS, Dialect, ListedModel
from penstock.errors import RequestError, UpstreamError

EVERY = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
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


@EVERY
@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_request_is_a_clear_400_without_content(dialect: Dialect, body: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        dialect.decode_request(body)
    assert (caught.value.status, caught.value.code) == (400, "invalid_request_body")
    assert "canary" not in str(caught.value)


@EVERY
@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_answer_is_the_upstreams_failure(dialect: Dialect, body: bytes) -> None:
    with pytest.raises(UpstreamError):
        dialect.decode_response(body)


@EVERY
def test_a_refusal_carries_its_code_status_and_request_id(dialect: Dialect) -> None:
    rendered = dialect.render(Denial("a.code", "Because.", 403, "plugin_blocked"), "0190")
    assert rendered.status == 403
    assert rendered.headers["x-penstock-code"] == "a.code"
    assert rendered.headers["x-request-id"] == "0190"
    assert b"Because." in rendered.body


@EVERY
def test_models_are_listed_in_order(dialect: Dialect) -> None:
    models = [ListedModel("b", 1, "x"), ListedModel("a", 2, "y")]
    body = dialect.list_models(models).body
    assert body.index(b'"b"') < body.index(b'"a"')
    assert json.loads(dialect.show_model(models[0]).body)["id"] == "b"
