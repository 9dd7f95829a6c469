from __future__ import annotations

from dataclasses import replace

import httpx

from penstock.sdk import Allow, Context, Decision, Request
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
