"""The plugin behind the whole gateway, on streamed answers: a clean 403, or an error event and a prefix."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock.gateway.http import HttpResponse
from penstock.sdk.context import RecordSpec
from penstock.sdk.manifest import read_manifest
from plugins.secret_scanner.rules import RULES
from plugins.secret_scanner.scanner import ScannerConfig, SecretScanner
from tests.gates.fakes import placement_of
from tests.gateway.streams import (
    DONE,
    HEAD,
    USAGE_CHUNK,
    delta,
    event,
    finish,
    last_error,
    opened,
    refused,
    said,
    upstream,
)
from tests.gateway.world import COMPLETION, World, error
from tests.plugins.secret_scanner.corpus import A36, A64, EACH, JWT_HEAD, Row, block

MANIFEST = read_manifest(Path("plugins/secret_scanner"))
TOKEN = "gh" + f"p_{A36}"
BLOCKED = "secret-scanner.developer_token"
LEAD = "It was the best of times, it was the worst of times. " * 20
REST = " And so on, and so on, until all of it is said." * 20


def world_of(**rules: str) -> World:
    """A gateway with the plugin at both moments, under its own manifest."""
    plugin = SecretScanner()
    plugin.prepare(ScannerConfig.model_validate({"rules": rules}))
    placements = [
        placement_of(
            MANIFEST.name,
            moment=moment,
            reads=asked.reads,
            effects=asked.effects,
            reasons=dict(MANIFEST.reasons),
            records={name: RecordSpec("count", 0, 1_000_000) for name in MANIFEST.records},
            stream=asked.stream,
            window_chars=asked.window_chars,
            max_hold_chars=asked.max_hold_chars,
        )
        for moment, asked in MANIFEST.moments.items()
    ]
    return World({MANIFEST.name: plugin}, *placements)


def words(text: str, size: int = 7) -> list[bytes]:
    return [delta(text[at : at + size]) for at in range(0, len(text), size)]


def call(arguments: str, size: int = 5) -> list[bytes]:
    """A streamed tool call with `arguments`, as JSON text, in pieces."""
    first = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "send", "arguments": ""}}
    pieces = [arguments[at : at + size] for at in range(0, len(arguments), size)]
    calls = [first, *({"index": 0, "function": {"arguments": piece}} for piece in pieces)]
    return [
        event({**HEAD, "choices": [{"index": 0, "delta": {"tool_calls": [one]}, "finish_reason": None}]})
        for one in calls
    ] + [event({**HEAD, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})]


def require_block(world: World, reason: str, outcome: str = "blocked") -> None:
    record = world.record
    blocks = [one for one in record.placements if one.action == "block"]
    assert [(one.plugin, one.reason) for one in blocks] == [(MANIFEST.name, reason)]
    assert record.outcome == outcome
    assert TOKEN not in repr(record)


@pytest.mark.parametrize("row", EACH, ids=lambda row: row.rule)
def test_an_answer_with_a_credential_ends_before_it_begins(row: Row) -> None:
    world = world_of()
    text = LEAD + row.text + REST
    upstream(world, *words(text), finish(), USAGE_CHUNK, DONE)
    raw = b"".join(opened(world).chunks)
    assert last_error(raw) == f"{MANIFEST.name}.{RULES[row.rule].family.reason}"
    assert text.startswith(said(raw))
    assert len(said(raw)) <= text.index(row.value, len(LEAD))
    assert b'"stop"' not in raw


def test_a_credential_at_the_beginning_is_a_clean_refusal() -> None:
    world = world_of()
    upstream(world, *words(TOKEN + REST), finish(), USAGE_CHUNK, DONE)
    response = refused(world)
    assert error(response) == (403, BLOCKED)
    assert TOKEN[:8].encode() not in response.body
    require_block(world, "developer_token")


def test_a_short_answer_with_a_credential_is_a_clean_refusal_too() -> None:
    world = world_of()
    upstream(world, *words(f"Here you are: {TOKEN}"), finish(), USAGE_CHUNK, DONE)
    assert error(refused(world)) == (403, BLOCKED)
    require_block(world, "developer_token")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (f"{JWT_HEAD}{A64 * 20}.eyJ{A64 * 40}.{A64}", "web_token"),
        (block("RSA " + "PRIVATE KEY", f"{A64}\n" * 60), "private_key"),
    ],
    ids=["a token with a long header", "a private key"],
)
def test_nothing_of_a_long_value_leaves(value: str, reason: str) -> None:
    world = world_of()
    upstream(world, *words(LEAD + value + REST), finish(), USAGE_CHUNK, DONE)
    raw = b"".join(opened(world).chunks)
    assert last_error(raw) == f"{MANIFEST.name}.{reason}"
    assert LEAD.startswith(said(raw))
    assert len(said(raw)) > len(LEAD) - 2 * 256


def test_the_verdict_on_a_stream_is_that_on_the_whole_answer() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": LEAD + TOKEN}, "finish_reason": "stop"}
    world = world_of()
    world.upstream.body = {**COMPLETION, "choices": [choice]}
    assert error(world.chat("hi")) == (403, BLOCKED)
    require_block(world, "developer_token")


@pytest.mark.parametrize("spelt", ["plain", "escaped", "in JSON in JSON"])
def test_a_credential_in_a_tool_call_never_leaves(spelt: str) -> None:
    arguments = json.dumps({"to": "x", "body": [f"the key is {TOKEN}"]})
    if spelt == "escaped":
        arguments = arguments.replace("g" + "hp_", "\\u0067\\u0068p\\u005f")
        assert TOKEN not in arguments
    if spelt == "in JSON in JSON":
        arguments = json.dumps({"payload": arguments})
    world = world_of()
    upstream(world, *words(LEAD), *call(arguments), USAGE_CHUNK, DONE)
    raw = b"".join(opened(world).chunks)
    assert last_error(raw) == BLOCKED
    assert LEAD.startswith(said(raw))
    assert A36[:6].encode() not in raw
    assert b"body" not in raw


def test_a_tool_call_alone_is_a_clean_refusal() -> None:
    world = world_of()
    upstream(world, *call(json.dumps({"key": TOKEN})), USAGE_CHUNK, DONE)
    assert error(refused(world)) == (403, BLOCKED)
    require_block(world, "developer_token")


def test_what_holds_none_passes_whole() -> None:
    world = world_of()
    upstream(world, *words(LEAD + "AKIA, ghp_ and eyJ0 are prefixes." + REST), finish(), USAGE_CHUNK, DONE)
    raw = b"".join(opened(world).chunks)
    assert said(raw) == LEAD + "AKIA, ghp_ and eyJ0 are prefixes." + REST
    assert raw.endswith(DONE)
    assert world.record.outcome == "answered"


def test_a_rule_that_records_lets_all_pass_and_counts_each_once() -> None:
    world = world_of(github="record")
    upstream(world, *words(f"{LEAD}{TOKEN} {TOKEN}{REST}"), finish(), USAGE_CHUNK, DONE)
    raw = b"".join(opened(world).chunks)
    assert said(raw) == f"{LEAD}{TOKEN} {TOKEN}{REST}"
    recorded = [dict(one.recorded) for one in world.record.placements if one.recorded]
    assert recorded == [{"developer_tokens": 2}]


def test_a_prompt_with_a_credential_never_reaches_the_upstream() -> None:
    world = world_of()
    response = world.stream(f"Why does {TOKEN} not work?")
    assert isinstance(response, HttpResponse)
    assert error(response) == (403, BLOCKED)
    assert world.upstream.seen == []
    require_block(world, "developer_token")
