"""What every response carries, and what of an upstream's headers goes on."""

from __future__ import annotations

import pytest

from penstock.dialects.anthropic.dialect import Anthropic
from penstock.dialects.openai.dialect import OpenAI
from penstock.gateway.reply import (
    MAX_RATE_LIMITS,
    client_request_id,
    common_headers,
    passed_headers,
)


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
    assert common_headers(OpenAI(), "r1", None) == {
        "content-type": "application/json",
        "x-request-id": "r1",
    }
    assert common_headers(OpenAI(), "r1", "mine")["x-client-request-id"] == "mine"
    assert common_headers(Anthropic(), "r1", None)["request-id"] == "r1"


def test_rate_limits_pass_and_what_is_the_operators_does_not() -> None:
    upstream = {
        "x-ratelimit-remaining-requests": "9",
        "retry-after": "2",
        "openai-organization": "acme-secret",
        "set-cookie": "a=b",
        "x-request-id": "theirs",
        "content-length": "7",
        "transfer-encoding": "chunked",
    }
    assert passed_headers(upstream) == {
        "x-ratelimit-remaining-requests": "9",
        "retry-after": "2",
    }


@pytest.mark.parametrize("value", ["9", "-1", "0.5", "1763819999123", "6m0s", "1.5s", "12ms", "2026-11-22"])
def test_numbers_times_and_dates_pass(value: str) -> None:
    assert passed_headers({"x-ratelimit-reset": value}) == {"x-ratelimit-reset": value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-ratelimit-note", "alice@example.com"),
        ("x-ratelimit-note", "4242424242424242"),
        ("x-ratelimit-note", "hello"),
        ("x-ratelimit-4242424242424242", "1"),
        ("retry-after", "call alice"),
        ("openai-version", "\u540d"),
        ("openai-processing-ms", "1\n"),
    ],
)
def test_no_words_pass_in_an_upstreams_headers_which_no_guard_sees(name: str, value: str) -> None:
    assert passed_headers({name: value}) == {}


def test_so_many_rate_limits_pass_and_no_more() -> None:
    upstream = {f"x-ratelimit-{'a' * count}": "1" for count in range(1, 40)}
    assert len(passed_headers(upstream)) == MAX_RATE_LIMITS
