from __future__ import annotations

from penstock.adapters.keys import (
    LEDGER,
    SHARDS,
    TABLES,
    control_key,
    delivery_key,
    grants_key,
    request_key,
    shard_name,
    shard_of,
)
from penstock.ids import uuid7


def test_requests_are_spread_over_all_shards_and_over_no_other() -> None:
    found = {shard_of(uuid7(1000, bytes(9) + bytes([n]))) for n in range(256)}
    assert found == {shard_name(number) for number in range(SHARDS)}


def test_every_key_attribute_has_its_type_and_nothing_else_is_declared() -> None:
    for table in TABLES:
        keys = {
            table.partition_key,
            table.sort_key,
            *(k for i in table.indexes for k in (i.partition_key, i.sort_key)),
        }
        assert {name for name, _ in table.attributes} == keys - {None}


def test_keys_of_different_things_are_never_equal() -> None:
    made = [
        control_key("model", "a"),
        grants_key("api_key", "a"),
        grants_key("team", "a"),
        control_key("api_key", "a"),
        request_key("a"),
        delivery_key("a", "b"),
    ]
    assert len(set(made)) == len(made)


def test_settled_intents_and_claims_expire() -> None:
    assert LEDGER.ttl_attribute == "expires_at"
