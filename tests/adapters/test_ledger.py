from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ReadTimeoutError

from penstock.adapters.clients import Clients
from penstock.adapters.keys import LEDGER, request_key
from penstock.adapters.ledger import KEPT_S, DynamoLedger, Intent, Ledger, MemoryLedger
from penstock.errors import StorageError
from penstock.ids import uuid7
from tests.adapters import tables

FIRST = "01890000-0000-7000-8000-000000000001"
SECOND = "01890000-0000-7000-8000-0000000000f2"
FACTS = {"route": "/v1/chat/completions", "n": 1}


@pytest.fixture
def ledger(kind: str, clients: Clients) -> Ledger:
    return MemoryLedger() if kind == "memory" else DynamoLedger(clients, tables.made(clients, LEDGER))


def test_an_open_intent_is_found_until_it_is_settled(ledger: Ledger) -> None:
    ledger.open_intent(FIRST, 1000, FACTS)
    assert list(ledger.open_before(1001)) == [Intent(FIRST, 1000, FACTS)]
    assert list(ledger.open_before(1000)) == []
    assert ledger.settle(FIRST, "recorder", 2000) == "settled"
    assert list(ledger.open_before(9999)) == []


def test_exactly_one_caller_settles(ledger: Ledger) -> None:
    ledger.open_intent(FIRST, 1000, FACTS)
    answers = [ledger.settle(FIRST, by, 2000) for by in ("sweeper", "recorder", "sweeper")]
    assert answers == ["settled", "already_settled", "already_settled"]


def test_settling_a_request_without_intent_says_so_and_leaves_none(ledger: Ledger) -> None:
    assert ledger.settle(FIRST, "recorder", 2000) == "unknown"
    assert ledger.settle(FIRST, "recorder", 2000) == "unknown"


def test_an_intent_is_opened_once_but_a_repeated_call_is_success(ledger: Ledger) -> None:
    ledger.open_intent(FIRST, 1000, FACTS)
    ledger.open_intent(FIRST, 1000, FACTS)
    with pytest.raises(StorageError):
        ledger.open_intent(FIRST, 1000, {"route": "another"})
    assert len(list(ledger.open_before(2000))) == 1


def test_a_settled_intent_cannot_be_opened_again(ledger: Ledger) -> None:
    ledger.open_intent(FIRST, 1000, FACTS)
    ledger.settle(FIRST, "sweeper", 2000)
    with pytest.raises(StorageError):
        ledger.open_intent(FIRST, 1000, FACTS)


def test_one_sweeper_at_a_time_holds_the_lease_until_it_runs_out(ledger: Ledger) -> None:
    ledger.open_intent(FIRST, 1000, FACTS)
    assert ledger.lease(FIRST, 5000, 6000)
    assert not ledger.lease(FIRST, 5999, 7000)
    assert ledger.lease(FIRST, 6000, 7000)
    ledger.settle(FIRST, "recorder", 6500)
    assert not ledger.lease(FIRST, 9000, 9999)
    assert not ledger.lease(SECOND, 9000, 9999)


def test_intents_of_every_shard_are_found(ledger: Ledger) -> None:
    ids = {uuid7(1000 + n, bytes(9) + bytes([n])) for n in range(64)}
    for request_id in ids:
        ledger.open_intent(request_id, 1000, {})
    assert {intent.request_id for intent in ledger.open_before(2000)} == ids


def test_a_delivery_is_claimed_once_and_known_as_finished_afterwards(ledger: Ledger) -> None:
    assert ledger.claim_delivery(FIRST, "audit", 1000, 1500) == "claimed"
    assert ledger.claim_delivery(FIRST, "audit", 1001, 1501) == "under_way"
    assert ledger.claim_delivery(FIRST, "other", 1001, 1501) == "claimed"
    ledger.finish_delivery(FIRST, "audit", 1002)
    assert ledger.claim_delivery(FIRST, "audit", 1003, 1503) == "finished"
    ledger.finish_delivery(FIRST, "audit", 1004)
    ledger.finish_delivery(SECOND, "audit", 1004)
    assert ledger.claim_delivery(SECOND, "audit", 1005, 1505) == "claimed"


def test_a_claim_is_unfinished_once_its_holders_time_is_over_and_nobody_can_extend_it(ledger: Ledger) -> None:
    ledger.claim_delivery(FIRST, "audit", 1000, 1500)
    answers = [ledger.claim_delivery(FIRST, "audit", now_ms, 9000) for now_ms in (1499, 1500, 2000)]
    assert answers == ["under_way", "unfinished", "unfinished"]
    ledger.finish_delivery(FIRST, "audit", 2001)
    assert ledger.claim_delivery(FIRST, "audit", 2002, 9000) == "finished"


def test_a_claim_whose_answer_was_lost_is_still_ones_own(clients: Clients) -> None:
    ids = iter(["one call", "one call", "another"])
    ledger = DynamoLedger(clients, tables.made(clients, LEDGER), new_id=lambda: next(ids))
    answers = [ledger.claim_delivery(FIRST, "audit", 1000, 1500) for _ in range(3)]
    assert answers == ["claimed", "claimed", "under_way"]


def test_a_settled_intent_stays_longer_than_a_queue_keeps_a_message(clients: Clients) -> None:
    table = tables.made(clients, LEDGER)
    ledger = DynamoLedger(clients, table)
    ledger.open_intent(FIRST, 1000, FACTS)
    ledger.settle(FIRST, "recorder", 5_000_000)
    item = clients.dynamodb.get_item(TableName=table, Key={"pk": {"S": request_key(FIRST)}})["Item"]
    assert int(item["expires_at"]["N"]) == 5000 + KEPT_S
    assert KEPT_S > 14 * 24 * 3600
    assert "open_shard" not in item
    assert item["settled_by"] == {"S": "recorder"}


def test_a_ledger_that_does_not_answer_is_a_storage_error(
    broken: Callable[[str, Exception], Clients],
) -> None:
    ledger = DynamoLedger(broken("dynamodb", ReadTimeoutError(endpoint_url="x")), "ledger")
    for call in (
        lambda: ledger.open_intent(FIRST, 1, {}),
        lambda: ledger.settle(FIRST, "recorder", 1),
        lambda: ledger.lease(FIRST, 1, 2),
        lambda: list(ledger.open_before(1)),
        lambda: ledger.claim_delivery(FIRST, "a", 1, 2),
        lambda: ledger.finish_delivery(FIRST, "a", 1),
    ):
        with pytest.raises(StorageError):
            call()
