from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from penstock.sdk import Allow, Context, Decision, Evidence, Plugin, Request
from penstock.sdk.email import Message
from penstock.sdk.storage import ABSENT
from penstock.sdk.testing import Harness, Result, harness

MANIFEST = """
name = "probe"
version = "1.0.0"
summary = "Tries what it was given."
purpose = "Use this plugin to export evidence for the tests."
owner = "tests"
contract = 1
entry_point = "probe:Probe"
{asks}

[after_response]
timeout_ms = 1500
effects = ["emit"]
"""
ALL = 'storage = true\nemail = true\nhosts = ["siem.example.com:443"]\nsecrets = ["token"]'

Later = Callable[[Evidence, Context], object]


def probing(later: Later, asks: str = ALL) -> Harness:
    class Probe(Plugin):
        def after_response(self, evidence: Evidence, ctx: Context) -> None:
            later(evidence, ctx)

    return harness(
        Probe,
        manifest=MANIFEST.format(asks=asks),
        secrets={"token": "s3cret"},
        transport=httpx.MockTransport(lambda _: httpx.Response(202)),
    )


def test_what_is_stored_is_there_in_the_next_run() -> None:
    def counts(_evidence: Evidence, ctx: Context) -> None:
        found = ctx.storage.get("times")
        times = found.value + 1 if found else 1
        assert ctx.storage.put("times", times, expected=found.version if found else ABSENT)

    run = probing(counts)
    assert [run.background().failure for _ in range(3)] == [None] * 3
    found = run.capabilities.kept.get("times")
    assert found is not None
    assert found.value == 3


def test_what_is_mailed_is_in_the_result_of_its_run() -> None:
    run = probing(lambda _, ctx: ctx.email.send(["soc@acme.example"], "Blocked", "Three times."))
    for _ in range(2):
        result = run.background()
        assert result.action == "emit"
        assert result.emails == (Message(("soc@acme.example",), "Blocked", "Three times."),)


def test_a_delivery_gives_its_status_and_is_in_the_result() -> None:
    got: list[int] = []
    run = probing(lambda _, ctx: got.append(ctx.deliver("https://siem.example.com/in", b"{}")))
    result = run.background()
    assert (got, result.deliveries) == ([202], (("siem.example.com", 202),))


def test_a_secret_does_not_print() -> None:
    got: list[object] = []
    probing(lambda _, ctx: got.append(ctx.secret("token"))).background()
    (secret,) = got
    assert "s3cret" not in f"{secret} {secret!r}"


ASKED: dict[str, Later] = {
    "storage": lambda _, ctx: ctx.storage,
    "email": lambda _, ctx: ctx.email,
    "hosts": lambda _, ctx: ctx.deliver("https://siem.example.com/in", b""),
}


@pytest.mark.parametrize("what", ASKED)
def test_what_the_manifest_does_not_ask_for_is_refused_and_remembered(what: str) -> None:
    result = probing(ASKED[what], asks="").background()
    assert (result.action, result.refused) == ("fail", (what,))


class AtTheGate(Plugin):
    def __init__(self) -> None:
        self.run: Callable[[Context], object] = lambda _: None

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        self.run(ctx)
        return Allow()


GATE = """
name = "gate"
version = "1.0.0"
summary = "Reaches out from a gate in tests."
purpose = "Use this plugin to notify people of prompts for tests."
owner = "tests@example.com"
contract = 1
entry_point = "gate:AtTheGate"
hosts = ["siem.example.com:443"]
email = true
[before_upstream]
effects = [EFFECTS]
"""


def at_the_gate(effects: str, run: Callable[[Context], object]) -> Result:
    transport = httpx.MockTransport(lambda _: httpx.Response(202))
    made = harness(AtTheGate, manifest=GATE.replace("EFFECTS", effects), transport=transport)
    made._plugin.run = run  # type: ignore[attr-defined]  # what this test's plugin does
    return made.before()


def test_what_leaves_from_a_gate_is_in_the_result_too() -> None:
    def reach(ctx: Context) -> None:
        ctx.email.send(["soc@acme.example"], "Blocked", "Three times.")
        ctx.deliver("https://siem.example.com/in", b"{}")

    result = at_the_gate('"emit"', reach)
    assert (result.action, result.deliveries) == ("emit", (("siem.example.com", 202),))
    assert [message.subject for message in result.emails] == ["Blocked"]


@pytest.mark.parametrize("what", ["email", "hosts"])
def test_nothing_leaves_where_the_manifest_does_not_emit(what: str) -> None:
    result = at_the_gate("", lambda ctx: ctx.email if what == "email" else ctx.http)
    assert (result.action, result.refused) == ("fail", (what,))


def test_what_is_exported_is_in_the_result_and_stays_as_it_was() -> None:
    run = probing(
        lambda e, ctx: ctx.exports.put("a", e.request_id.encode()) and None, f"{ALL}\nexports = true"
    )
    results = [run.background() for _ in range(2)]
    assert [(result.action, result.exported) for result in results] == [("emit", ("a",))] * 2
    assert list(run.capabilities.exported.kept) == ["a"]
