"""Refusals as JSON-RPC errors."""

from __future__ import annotations

import json

import pytest

from penstock.denial import Denial
from penstock.dialects.mcp import errors
from penstock.dialects.mcp.content import ClientMessage
from penstock.errors import ConfigurationError, RequestError, UpstreamError

BLOCK = Denial(
    "guard.card_number", "The call contains a card number.", 403, "plugin_blocked", reference="r-1"
)


def test_our_code_is_in_data_and_the_sentence_is_the_message() -> None:
    status, headers, body = errors.render(BLOCK, "req-1", "a-7")
    assert (status, headers["x-penstock-code"]) == (403, "guard.card_number")
    assert json.loads(body) == {
        "jsonrpc": "2.0",
        "id": "a-7",
        "error": {
            "code": 403,
            "message": "The call contains a card number.",
            "data": {"code": "guard.card_number", "request_id": "req-1", "reference": "r-1"},
        },
    }


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("invalid_request_body", -32600),
        ("mcp_header_mismatch", -32020),
        ("mcp_version_not_supported", -32022),
        ("mcp_method_not_allowed", -32601),
        ("mcp_tool_not_allowed", -32602),
    ],
)
def test_what_json_rpc_has_a_code_for_has_it(code: str, number: int) -> None:
    error = json.loads(errors.error_message(RequestError("No.", code=code), "req-1", None))["error"]
    assert error["code"] == number


@pytest.mark.parametrize(
    ("body", "number"),
    [
        (b"", -32700),
        (b'{"jsonrpc": "2.0"', -32700),
        (b'["\xff"]', -32700),
        (b"[NaN]", -32700),
        (b'{"id": 1, "id": 2}', -32600),  # JSON's grammar has it
        (b"[" * 200 + b"]" * 200, -32600),
        (b"{}", -32600),
        (b"7", -32600),
    ],
)
def test_a_body_that_is_no_json_and_one_that_is_no_message_have_codes_of_their_own(
    body: bytes, number: int
) -> None:
    with pytest.raises(RequestError) as raised:
        ClientMessage.decode(body)
    told = json.loads(errors.render(raised.value, "r").body)
    assert (told["error"]["code"], told["id"]) == (number, None)
    assert told["error"]["data"]["code"] == "invalid_request_body"


def test_who_speaks_an_unknown_version_is_told_the_known_ones() -> None:
    refusal = RequestError("No.", code="mcp_version_not_supported")
    assert "2026-07-28" in json.loads(errors.error_message(refusal, "r", None))["error"]["data"]["supported"]


def test_who_has_no_key_is_told_how_to_bring_one() -> None:
    denial = Denial("unauthorized", "No key.", 401, "access_denied")
    assert errors.render(denial, "r").headers["www-authenticate"] == "Bearer"


def test_a_failure_of_ours_says_nothing_of_itself() -> None:
    body = errors.render(ConfigurationError("table penstock-control", "is missing"), "r").body
    assert b"penstock-control" not in body
    assert errors.render(UpstreamError("It is down."), "r").status == 502
