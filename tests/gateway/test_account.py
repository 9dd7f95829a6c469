"""The account: times, the record it makes, and its refusal to make one that lacks a placement."""

from __future__ import annotations

import pytest

from penstock.errors import AccountingError
from penstock.evidence.digests import Digester, DigestKey
from penstock.evidence.record import UpstreamRecord
from penstock.gates.placement import Mode
from penstock.gates.records import blank
from penstock.gateway.account import Account
from penstock.gateway.reply import Reply
from tests.gates.fakes import REQUEST_ID, placement_of

ANSWERED = Reply(200, b"{}", "answered")


def account() -> Account:
    return Account(
        request_id=REQUEST_ID,
        received_ms=1_790_000_000_123,
        started=100.0,
        dialect="openai",
        route="/v1/chat/completions",
        snapshot="sha256:" + "0" * 64,
        digester=Digester(DigestKey("k", b"0" * 32), REQUEST_ID),
    )


def test_overhead_is_the_whole_without_the_upstream() -> None:
    mine = account()
    mine.upstream.append(UpstreamRecord(1, "echo", "echo-1", 200, "answered", 1_500.0))
    record = mine.record(ANSWERED, 0, 102.0)
    assert (record.timing.total_ms, record.timing.overhead_ms) == (2_000.0, 500.0)
    assert record.received_at == "2026-09-21T14:13:20.123Z"


def test_a_record_without_every_placement_is_not_made() -> None:
    mine = account()
    mine.placements.append(blank(placement_of("one"), Mode.ENFORCE))
    assert mine.record(ANSWERED, 1, 101.0).placements[0].plugin == "one"
    with pytest.raises(AccountingError, match="1 records for 2 placements"):
        mine.record(ANSWERED, 2, 101.0)


def test_the_intention_holds_what_a_record_can_say_when_nothing_more_is_heard() -> None:
    facts = account().intention(["export"]).facts()
    assert facts["received_at"] == "2026-09-21T14:13:20.123Z"
    assert (facts["route"], facts["dispatch"]) == ("/v1/chat/completions", ["export"])
