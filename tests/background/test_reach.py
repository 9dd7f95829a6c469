from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from penstock.adapters.workflows import MemoryRuns
from penstock.background.inline import InlineHost, InlinePlugin
from penstock.background.starting import Workflows
from penstock.egress.client import AliasTransport
from penstock.errors import FailureClass, PluginError
from penstock.evidence.layout import terminal_key
from penstock.gates.deadline import Deadlines
from penstock.gates.hosted_answer import decode_answer
from penstock.gates.hosted_call import encode_call
from penstock.sdk import Allow, Context, Decision, Request
from penstock.sdk.projection import Projection
from penstock.sdk.storage import MemoryStorage
from tests.background.fakes import FakeMail
from tests.background.test_inline import PLACEMENT, event
from tests.gates.fakes import REQUEST_ID, Says, loaded
from tests.gates.hosted import RECEIVER, TERMS, Outside, inline_host


def sends(_: Request, ctx: Context) -> Decision:
    ctx.http.get(f"https://{RECEIVER}/")
    return Allow()


def test_what_left_comes_back_as_the_receiver_named_it_and_is_cut() -> None:
    def receiver(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"x-request-id": "x" * 5_000})

    placement = replace(PLACEMENT, terms=replace(PLACEMENT.terms, effects=frozenset({"emit"})))
    answer = inline_host(loaded(Says(sends)), placement, receiver=receiver).answer(event(placement))
    assert answer["deliveries"] == [[RECEIVER, 200, "x" * 1024]]


def sends_and_keeps(_: Request, ctx: Context) -> Decision:
    ctx.storage.put("last", {"at": 1})
    ctx.email.send(["soc@acme.example"], "Three blocks", "See the dashboard.")
    return Allow()


def test_storage_and_e_mail_are_there_in_a_call_and_e_mail_comes_back_as_a_delivery() -> None:
    placement = replace(PLACEMENT, terms=replace(PLACEMENT.terms, effects=frozenset({"emit"})))
    kept, mail = MemoryStorage(), FakeMail()
    host = inline_host(loaded(Says(sends_and_keeps)), placement, storage=kept, mailer=mail.mailer)
    answer = host.answer(event(placement))
    assert (answer["failure"], answer["deliveries"]) == (None, [["email", 200, "theirs-1"]])
    assert kept.get("last") is not None
    assert [message.subject for message in mail.sent] == ["Three blocks"]


def test_a_placement_that_may_not_emit_sends_no_e_mail() -> None:
    mail = FakeMail()
    host = inline_host(loaded(Says(sends_and_keeps)), PLACEMENT, storage=MemoryStorage(), mailer=mail.mailer)
    answer = host.answer(event())
    assert (answer["failure"], answer["refused"], mail.sent) == ("contract", ["email"], [])


def test_what_is_not_granted_is_asked_for_in_vain() -> None:
    answer = inline_host(loaded(Says(sends_and_keeps)), PLACEMENT).answer(event())
    assert (answer["failure"], answer["refused"]) == ("contract", ["storage"])


def refuse(error: PluginError) -> Callable[[bytes], bytes]:
    def invoke(_: bytes) -> bytes:
        raise error

    return invoke


@pytest.mark.parametrize(
    ("failure", "recorded"), [("denied", "denied"), ("contract", "contract"), ("throttled", "exception")]
)
def test_a_role_that_may_not_invoke_its_alias_is_denied_and_the_gateway_reads_it(
    failure: str, recorded: str
) -> None:
    """What hides how busy or how far something is stays the plugin's own exception."""
    by_alias = AliasTransport(refuse(PluginError(FailureClass(failure), "no")))
    placement = replace(PLACEMENT, terms=replace(PLACEMENT.terms, effects=frozenset({"emit"})))
    host = inline_host(loaded(Says(sends)), placement, receiver=by_alias.handle_request)
    answer = host.answer(event(placement))
    assert answer["failure"] == recorded
    read = decode_answer(json.dumps(answer).encode(), placement, REQUEST_ID, frozenset({RECEIVER}))
    assert read.failure is not None
    assert read.failure.failure == recorded


def test_a_plugin_that_reaches_nothing_is_denied_nothing() -> None:
    def claims(_: Request, __: Context) -> Decision:
        raise PluginError(FailureClass.DENIED, "my prompt says hello")

    plugin = InlinePlugin({"before_upstream": PLACEMENT}, TERMS, lambda: loaded(Says(claims)))
    assert InlineHost(plugin, Deadlines(None)).answer(event())["failure"] == "exception"


def starting(values: dict[str, Any], outside: Outside | None) -> tuple[dict[str, Any], MemoryRuns]:
    """What a plugin that starts a workflow answers, told `values`; None for one that is granted none."""

    def starts(_: Request, ctx: Context) -> Decision:
        ctx.workflow.start("mine", reference="ref")
        return Allow()

    told = json.loads(encode_call(PLACEMENT, "terms-b", Projection(values), REQUEST_ID, 1.0))
    answer = inline_host(loaded(Says(starts)), PLACEMENT, outside=outside).answer(told)
    runs = outside.workflows.runs if outside and outside.workflows else MemoryRuns()
    assert isinstance(runs, MemoryRuns)
    return answer, runs


def with_a_workflow() -> Outside:
    return Outside(workflows=Workflows(MemoryRuns(), MemoryStorage(), 3600))


@pytest.mark.parametrize("organisation", ["acme", None])
def test_a_run_that_a_gate_starts_has_its_records_beside_its_request_s(organisation: str | None) -> None:
    identity = {"key_id": "k-1", "organisation": organisation}
    answer, runs = starting({"identity": identity}, with_a_workflow())
    assert answer["failure"] is None
    assert (runs.begun["mine"]["request_id"], runs.begun["mine"]["reference"]) == (REQUEST_ID, "ref")
    assert runs.begun["mine"]["evidence_key"] == terminal_key(organisation, REQUEST_ID)


def test_a_gate_that_is_not_told_whose_request_it_is_starts_no_run_and_hears_what_it_lacks() -> None:
    answer, runs = starting({}, with_a_workflow())
    assert (answer["failure"], answer["refused"], runs.begun) == ("contract", ["identity"], {})


def test_a_plugin_that_is_granted_no_workflow_starts_none() -> None:
    answer, _ = starting({"identity": {"organisation": "acme"}}, Outside())
    assert (answer["failure"], answer["refused"]) == ("contract", ["workflow"])
