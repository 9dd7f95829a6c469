"""One suite, two hosts: the same plugin gives the same answers and leaves the same records in both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock.evidence.encoding import as_mapping
from penstock.gates.gate import GateResult
from penstock.gates.overrides import Overrides
from penstock.gates.placement import HostKind, Mode, Placement
from penstock.sdk import Allow, Context, Decision, Plugin, Request, Respond, Transform
from penstock.sdk.context import RecordSpec
from penstock.sdk.loading import LoadedPlugin, load_plugin
from tests.gates.fakes import (
    REQUEST_ID,
    TEXT,
    USER,
    FakeContent,
    Says,
    exchange_of,
    loaded,
    placement_of,
    request_of,
)
from tests.gates.hosted import gate_over
from tests.gates.test_host import BREACHES, Answer

ROOT = Path(__file__).resolve().parent.parent.parent
HOSTS: tuple[HostKind, ...] = ("in_process", "function")

REQUESTS = (
    ("hello",),
    ("write to jane.doe@example.com", "or call +49 30 901820"),
    ("my card is 4242 4242 4242 4242",),
    ("key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD",),
    ("",),
    ("ünï 😀 jane.doe@example.com \u2028 \x00",),
    ("x" * 100_000 + " jane.doe@example.com",),
)


def ran(
    plugin: LoadedPlugin | Plugin, placement: Placement, host: HostKind, exchange: Any
) -> tuple[GateResult, Any]:
    gate = gate_over({placement.plugin: plugin}, replace(placement, host=host))
    return gate.run(exchange, Overrides()), exchange


def said(result: GateResult, exchange: Any) -> dict[str, Any]:
    """All that came of it but what tells the hosts apart."""
    (record,) = result.records
    told = dict(as_mapping(record))
    assert told.pop("host") in HOSTS
    told.pop("ms")
    body = exchange.response or exchange.request
    beside = (exchange.request_headers, exchange.tags, exchange.response_headers, exchange.notes)
    return {
        "record": told,
        "denial": result.denial,
        "answer": result.answer,
        "body": body.encoded(),
        "beside": beside,
    }


@pytest.fixture(scope="module")
def plugins() -> dict[str, LoadedPlugin]:
    return {
        "card-guard": load_plugin(ROOT / "examples" / "card_guard"),
        "pii-redactor": load_plugin(ROOT / "plugins" / "pii_redactor", {"kinds": {"key": "block"}}),
    }


def as_granted(plugin: LoadedPlugin, name: str, moment: Any, **more: Any) -> Placement:
    """A placement with all that the manifest asks for of one field's texts."""
    asked = getattr(plugin.manifest, moment)
    field = USER if moment == "before_upstream" else TEXT
    declared = plugin.manifest.records if "record" in asked.effects else {}
    return placement_of(
        name,
        moment,
        reads=(field,),
        writes=(field,),
        effects=tuple(asked.effects),
        reasons=dict(plugin.manifest.reasons),
        records={each: _spec(spec) for each, spec in declared.items()},
        timeout_ms=5_000,
        **more,
    )


def _spec(asked: Any) -> RecordSpec:
    return RecordSpec(asked.unit, asked.minimum, asked.maximum, asked.values)


@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.SHADOW])
@pytest.mark.parametrize("texts", REQUESTS)
@pytest.mark.parametrize("moment", ["before_upstream", "after_upstream"])
@pytest.mark.parametrize("name", ["card-guard", "pii-redactor"])
def test_a_plugin_says_the_same_in_both_hosts(
    plugins: dict[str, LoadedPlugin], name: str, moment: Any, texts: tuple[str, ...], mode: Mode
) -> None:
    placement = as_granted(plugins[name], name, moment, mode=mode)
    found = []
    for host in HOSTS:
        exchange = exchange_of(request_of(*texts))
        if moment == "after_upstream":
            exchange.response = FakeContent({TEXT: texts})
        found.append(said(*ran(plugins[name], placement, host, exchange)))
    assert found[0] == found[1]


@pytest.mark.parametrize("answer", BREACHES.values(), ids=BREACHES.keys())
def test_a_breach_of_contract_is_the_same_one_in_both_hosts(answer: Answer) -> None:
    placement = placement_of("one", timeout_ms=5_000)
    found = [said(*ran(loaded(Says(answer)), placement, host, exchange_of())) for host in HOSTS]
    assert found[0] == found[1]
    assert found[0]["record"]["failure"] == "contract"


def everything(request: Request, ctx: Context) -> Decision:
    """Uses all that a view has."""
    assert ctx.request_id == REQUEST_ID
    assert ctx.remaining_ms > 0
    assert request.identity["organisation"] == "acme"
    assert request.decisions == ()
    assert request.model == "echo-1"
    assert request.headers.get("x-team") == "red"
    assert dict(request.metadata) == {"a": {"b": (1, 2)}}
    ctx.record("found", len(request.messages.user))
    return Transform(
        request.messages.user.sub("l+", "L"),
        request.messages.user.add("more"),
        request.metadata.set("b", {"c": [1.5, None]}),
        request.metadata.remove("a"),
        request.headers.set("X-Team", "blue"),
        request.tags.set("cost", "a"),
    )


def fails(_: Request, __: Context) -> Decision:
    raise RuntimeError("my prompt says hello")


@pytest.mark.parametrize(
    "answer",
    [everything, fails, lambda _, __: Respond.text("No."), lambda _, __: Allow()],
    ids=("everything", "an exception", "an answer of its own", "nothing"),
)
def test_all_of_a_view_and_every_kind_of_edit_is_there_in_both_hosts(answer: Answer) -> None:
    placement = placement_of(
        "one",
        reads=(USER, "identity", "decisions", "request.model", "request.metadata", "request.headers.x-team"),
        writes=(USER, "request.metadata", "request.headers.x-team", "request.tags"),
        tags={"cost": frozenset({"a"})},
        timeout_ms=5_000,
    )
    found = []
    for host in HOSTS:
        content = FakeContent({USER: ("hello",)}, {"request.metadata": {"a": {"b": [1, 2]}}})
        exchange = exchange_of(content, request_headers={"x-team": "red"})
        found.append(said(*ran(loaded(Says(answer)), placement, host, exchange)))
    assert found[0] == found[1]
    assert found[0]["record"]["action"] != "fail" or answer is fails
