from __future__ import annotations

import json
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from penstock.errors import PluginError
from penstock.gates.hosted_call import MAX_BYTES, decode_call, encode_call
from penstock.sdk.projection import WRITE_ONLY, Piece, Projection, TextValues, Tool
from tests.gates.fakes import REQUEST_ID, USER, exchange_of, placement_of, request_of

PLACEMENT = placement_of("guard")
EVERYTHING: dict[str, Any] = {
    "identity": MappingProxyType({"organisation": "acme", "tenant": None}),
    "decisions": ({"control": "access", "action": "allow", "reason": None},),
    "request.model": "echo-1",
    "request.mcp.tool": None,
    "request.messages.user": TextValues(("hello", "wörld \u2028 \U0001f600", "")),
    "request.tools": TextValues(("find",), (Tool("find", {"type": "function", "n": 2**70}),)),
    "request.metadata": {"a": [1, 2.5, None, {"b": True}]},
    "request.headers.x-team": None,
    "request.tags": WRITE_ONLY,
    "response.usage": {"input_tokens": 3},
}


def sent(values: dict[str, Any], seconds: float = 1.5) -> bytes:
    return encode_call(PLACEMENT, "terms", Projection(values), REQUEST_ID, seconds)


def test_every_shape_of_value_arrives_as_it_was() -> None:
    call = decode_call(json.loads(sent(EVERYTHING)))
    assert call.projection.values == {**EVERYTHING, "identity": dict(EVERYTHING["identity"])}
    assert call.projection.values["request.tags"] is WRITE_ONLY
    assert isinstance(call.projection.values["request.tools"].tools[0], Tool)
    assert (call.plugin, call.digest, call.moment) == ("guard", PLACEMENT.digest, "before_upstream")
    assert (call.terms, call.request_id, call.remaining_ms) == ("terms", REQUEST_ID, 1500.0)


def test_only_what_is_granted_crosses() -> None:
    exchange = exchange_of(request_of("mine", system=("not yours",)))
    raw = encode_call(PLACEMENT, "terms", exchange.projected((USER,), frozenset()), REQUEST_ID, 1.0)
    assert b"not yours" not in raw
    assert b"acme" not in raw
    tree = json.loads(raw)
    assert tree["texts"] == {USER: ["mine"]}
    assert (tree["values"], tree["tools"], tree["write_only"]) == ({}, {}, [])


def test_what_may_only_be_written_crosses_as_a_name() -> None:
    exchange = exchange_of(request_of("hi"), tags={"cost": "secret-center"})
    projection = exchange.projected((), frozenset({"request.tags"}))
    raw = encode_call(PLACEMENT, "terms", projection, REQUEST_ID, 1.0)
    assert json.loads(raw)["write_only"] == ["request.tags"]
    assert b"secret-center" not in raw


def test_half_a_character_crosses_as_an_escape() -> None:
    call = decode_call(json.loads(sent({USER: TextValues(("\ud800é",))})))
    assert call.projection.values[USER].texts == ("\ud800é",)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (TextValues(("x" * MAX_BYTES,)), "more than Lambda takes"),
        (TextValues(("x",), piece=Piece(False, 8, 8)), "does not leave"),
        ({"a": float("inf")}, "no JSON"),
    ],
    ids=("too large", "a piece of a stream", "infinity"),
)
def test_what_cannot_cross_is_a_breach_of_contract_and_is_not_sent(value: Any, said: str) -> None:
    with pytest.raises(PluginError, match=said) as caught:
        sent({USER: value})
    assert caught.value.failure == "contract"


@pytest.mark.parametrize(
    "missing", ["plugin", "digest", "terms", "moment", "texts", "values", "remaining_ms"]
)
def test_what_is_no_call_is_refused(missing: str) -> None:
    tree = json.loads(sent({USER: TextValues(("x",))}))
    del tree[missing]
    with pytest.raises(ValueError, match="no call"):
        decode_call(tree)


def test_a_moment_that_there_is_not_is_refused() -> None:
    tree = json.loads(encode_call(replace(PLACEMENT, moment="after_upstream"), "t", Projection({}), "r", 1.0))
    with pytest.raises(ValueError, match="no moment"):
        decode_call({**tree, "moment": "whenever"})
