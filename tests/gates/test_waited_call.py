from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.errors import FailureClass, PluginError
from penstock.gates.waited_call import check_taken, decode_waited, encode_taken, encode_waited
from tests.gates.fakes import REQUEST_ID, placement_of

PLACEMENT = placement_of("export", "after_response", reads=("evidence",), effects=("emit",), wait=True)
MESSAGE = '{"plugin":"export","héé":1}'


def call() -> dict[str, Any]:
    told = json.loads(encode_waited(PLACEMENT, "sha256:terms", REQUEST_ID, 1.5, MESSAGE.encode()))
    assert isinstance(told, dict)
    return told


def answer(**changes: Any) -> bytes:
    return json.dumps(encode_taken(decode_waited(call()), None) | changes).encode()


def refused(raw: bytes) -> FailureClass:
    with pytest.raises(PluginError) as caught:
        check_taken(raw, PLACEMENT, REQUEST_ID)
    return caught.value.failure


def test_a_call_arrives_as_it_was_sent() -> None:
    found = decode_waited(call())
    assert (found.plugin, found.digest, found.terms) == ("export", PLACEMENT.digest, "sha256:terms")
    assert (found.request_id, found.remaining_ms, found.message) == (REQUEST_ID, 1500.0, MESSAGE)


@pytest.mark.parametrize("event", [{}, {"waited": {}, "message": ""}, {"waited": None}, {"Records": []}])
def test_what_is_no_call_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no call"):
        decode_waited(event)


def test_who_has_taken_it_says_so() -> None:
    check_taken(answer(), PLACEMENT, REQUEST_ID)


@pytest.mark.parametrize("claim", ["exception", "timeout", "import", "throttled", "unavailable", "denied"])
def test_a_failure_has_the_class_that_the_function_says(claim: str) -> None:
    assert refused(answer(failure=claim)).value == claim


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"taken"',
        b"[" * 3000,
        b" " * 5000 + answer(),
        answer(plugin="other"),
        answer(digest="sha256:" + "1" * 64),
        answer(request_id="0190a5b2-7c00-7000-8000-00000000ffff"),
        answer(failure="circuit_open"),
        answer(failure="a word of its own"),
        answer(failure=False),
        answer(failure=["timeout"]),
    ],
)
def test_whatever_else_it_says_is_a_breach_of_the_contract(raw: bytes) -> None:
    assert refused(raw) is FailureClass.CONTRACT
