"""What every response carries, and what of an upstream's headers goes on."""

from __future__ import annotations

import pytest

from penstock.gateway.reply import client_request_id, common_headers, passed_headers
from tests.gates.fakes import exchange_of


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abc-1.2_3", "abc-1.2_3"),
        ("x" * 128, "x" * 128),
        ("x" * 129, None),
        ("", None),
        ("a b", None),
        ("a\r\nset-cookie: x", None),
        ("ä", None),
    ],
)
def test_only_a_well_formed_request_id_of_the_callers_comes_back(given: str, kept: str | None) -> None:
    assert client_request_id({"x-request-id": given}) == kept


def test_the_gateways_own_id_is_on_every_response() -> None:
    assert common_headers("r1", None) == {"content-type": "application/json", "x-request-id": "r1"}
    assert common_headers("r1", "mine")["x-client-request-id"] == "mine"


def test_rate_limits_pass_and_what_is_the_operators_does_not() -> None:
    exchange = exchange_of(response_headers={"x-plan": "gold"}, notes={"verdict": "clean"})
    upstream = {
        "x-ratelimit-remaining-requests": "9",
        "retry-after": "2",
        "openai-organization": "acme-secret",
        "set-cookie": "a=b",
        "x-request-id": "theirs",
        "content-length": "7",
        "transfer-encoding": "chunked",
    }
    assert passed_headers(upstream, exchange) == {
        "x-ratelimit-remaining-requests": "9",
        "retry-after": "2",
        "x-plan": "gold",
        "x-penstock-meta-verdict": "clean",
    }
