from __future__ import annotations

from dataclasses import replace

import httpx

from penstock.sdk import Allow, Context, Decision, Request
from penstock.sdk.storage import MemoryStorage
from tests.background.fakes import FakeMail
from tests.background.test_inline import PLACEMENT, event
from tests.gates.fakes import Says, loaded
from tests.gates.hosted import RECEIVER, inline_host


def test_what_left_comes_back_as_the_receiver_named_it_and_is_cut() -> None:
    def sends(_: Request, ctx: Context) -> Decision:
        ctx.http.get(f"https://{RECEIVER}/")
        return Allow()

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
