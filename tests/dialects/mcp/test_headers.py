"""What a client says in headers and again in the body must agree; what is forwarded is made anew."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects.mcp import headers
from penstock.dialects.mcp.content import ClientMessage
from penstock.errors import RequestError
from penstock.sdk.edits import TextEdit
from tests.dialects.mcp import bodies


def stateless(**changed: str | None) -> dict[str, str]:
    given = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "search"}
    given |= {name.replace("_", "-"): value for name, value in changed.items() if value is not None}
    return {
        name: value for name, value in given.items() if changed.get(name.replace("-", "_"), "") is not None
    }


def check(headers_: dict[str, str], message: ClientMessage) -> None:
    headers.version_of(headers_, message)
    headers.check_stateless(headers_, message)


def code(headers_: dict[str, str], body: bytes) -> str:
    message = ClientMessage.decode(body)
    with pytest.raises(RequestError) as caught:
        check(headers_, message)
    assert caught.value.status == 400
    return caught.value.code


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_a_header_says_is_read_back(value: str) -> None:
    assert headers.decode(headers.encode(value)) == value


@pytest.mark.parametrize(
    ("value", "encoded"),
    [  # the table of 2026-07-28, "Value Encoding"
        ("us-west1", "us-west1"),
        ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
        (" padded ", "=?base64?IHBhZGRlZCA=?="),
        ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
        ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
    ],
)
def test_values_are_encoded_as_the_specification_shows(value: str, encoded: str) -> None:
    assert headers.encode(value) == encoded


@pytest.mark.parametrize("value", ["=?base64?%%%?=", "=?base64?/w==?=", "tab\there", "\x80"])
def test_a_broken_encoding_says_nothing(value: str) -> None:
    assert headers.decode(value) is None


def test_a_request_that_says_no_version_speaks_the_one_before_the_header() -> None:
    assert headers.version_of({}, ClientMessage.decode(bodies.call())) == "2025-03-26"
    assert headers.version_of({}, None) == "2025-03-26"


def test_a_version_that_nobody_knows_is_refused() -> None:
    assert code({"mcp-protocol-version": "2024-11-05"}, bodies.call()) == "mcp_version_not_supported"


def test_headers_that_agree_pass() -> None:
    message = ClientMessage.decode(bodies.stateless_call())
    assert headers.version_of(stateless(), message) == "2026-07-28"
    headers.check_stateless(stateless(), message)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mcp_protocol_version": "2025-11-25"},
        {"mcp_protocol_version": None},
        {"mcp_method": "tools/list"},
        {"mcp_method": "Tools/Call"},
        {"mcp_method": None},
        {"mcp_name": "delete"},
        {"mcp_name": None},
        {"mcp_name": "=?base64?%%?="},
    ],
)
def test_headers_that_do_not_agree_are_refused(wrong: dict[str, str | None]) -> None:
    assert code(stateless(**wrong), bodies.stateless_call()) == "mcp_header_mismatch"


def test_a_name_may_come_encoded() -> None:
    message = ClientMessage.decode(bodies.stateless_call("wétter"))
    headers.check_stateless(stateless(mcp_name=headers.encode("wétter")), message)


@pytest.mark.parametrize("missing", ["protocolVersion", "clientCapabilities"])
def test_a_stateless_request_says_all_in_meta(missing: str) -> None:
    meta = {name: value for name, value in bodies.META.items() if not name.endswith(missing)}
    body = bodies.request("tools/call", name="search", _meta=meta)
    assert code(stateless(), body) == "mcp_meta_missing"


def test_a_stateless_client_sends_no_responses() -> None:
    assert code(stateless(), bodies.result(1)) == "invalid_request_body"


def test_the_headers_that_are_forwarded_come_from_the_body() -> None:
    message = ClientMessage.decode(bodies.stateless_call("wétter"))
    assert headers.repeated("2026-07-28", message) == {
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": headers.encode("wétter"),
    }
    assert headers.repeated("2025-06-18", message) == {"mcp-protocol-version": "2025-06-18"}


def edited(message: ClientMessage, *texts: str) -> ClientMessage:
    return message.edited([TextEdit("request.mcp.arguments", tuple(enumerate(texts)))])


def test_a_parameters_header_repeats_the_argument_that_is_sent_not_the_one_that_came() -> None:
    message = ClientMessage.decode(bodies.stateless_call(region="us-west1", where={"n": 42, "on": True}))
    given: dict[str, Any] = stateless(
        mcp_param_region="us-west1", mcp_param_count="42.0", mcp_param_on="true"
    )
    places = headers.parameters(given, message)
    assert headers.parameter_headers(places, edited(message, "<region>")) == {
        "mcp-param-region": "<region>",
        "mcp-param-count": "42",
        "mcp-param-on": "true",
    }


def test_a_header_that_could_repeat_two_different_arguments_is_left_out() -> None:
    message = ClientMessage.decode(bodies.stateless_call(a="x", b="x"))
    places = headers.parameters(stateless(mcp_param_a="x"), message)
    assert headers.parameter_headers(places, message) == {"mcp-param-a": "x"}
    assert headers.parameter_headers(places, edited(message, "y", "x")) == {}


@pytest.mark.parametrize(
    "header", [{"mcp_param_a": "smuggled"}, {"mcp_param_a": "=?base64?%?="}, {"mcp_param_(": "x"}]
)
def test_a_parameters_header_that_repeats_nothing_is_refused(header: dict[str, str]) -> None:
    message = ClientMessage.decode(bodies.stateless_call(a="x", listed=["smuggled"]))
    with pytest.raises(RequestError) as caught:
        headers.parameters(stateless(**header), message)
    assert caught.value.code == "mcp_header_mismatch"
    assert "smuggled" not in str(caught.value)
