from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ReadTimeoutError

from penstock.adapters.clients import Clients
from penstock.adapters.control import (
    ABSENT,
    Change,
    ControlStore,
    DynamoControlStore,
    Entry,
    MemoryControlStore,
)
from penstock.adapters.keys import CONTROL
from penstock.errors import ConfigurationError, StorageError
from tests.adapters import tables

Breaks = Callable[[str, Exception], Clients]


@pytest.fixture
def store(kind: str, clients: Clients) -> ControlStore:
    return (
        MemoryControlStore()
        if kind == "memory"
        else DynamoControlStore(clients, tables.made(clients, CONTROL))
    )


def test_what_is_written_is_read_back_with_its_revision(store: ControlStore) -> None:
    document = {"id": "gpt", "price": 12345678901234567890, "names": ["ä", "b"], "none": None}
    assert store.write([Change("model#gpt", document)])
    assert store.get(["model#gpt", "model#other"]) == {"model#gpt": Entry(document, 1)}
    assert store.write([Change("model#gpt", {})])
    assert store.get(["model#gpt"], fresh=True)["model#gpt"].revision == 2


def test_a_key_asked_for_twice_is_found_once(store: ControlStore) -> None:
    store.write([Change("model#gpt", {})])
    assert len(store.get(["model#gpt", "model#gpt"])) == 1


def test_nothing_is_written_when_one_expectation_does_not_hold(store: ControlStore) -> None:
    store.write([Change("team#a", {"n": 1})])
    assert not store.write([Change("team#b", {}), Change("team#a", {}, expects=ABSENT)])
    assert not store.write([Change("team#b", {}), Change("team#a", {}, expects=7)])
    assert not store.write([Change("team#b", {}), Change("team#a", None, expects=7)])
    assert dict(store.list("team#")) == {"team#a": Entry({"n": 1}, 1)}


def test_an_expected_revision_is_replaced_or_deleted(store: ControlStore) -> None:
    assert store.write([Change("team#a", {"n": 1}, expects=ABSENT)])
    assert store.write([Change("team#a", {"n": 2}, expects=1)])
    assert store.write([Change("team#a", None, expects=2)])
    assert store.get(["team#a"]) == {}


def test_deleting_what_is_not_there_is_no_failure(store: ControlStore) -> None:
    assert store.write([Change("team#a", None)])


def test_a_list_holds_one_prefix_in_order(store: ControlStore) -> None:
    store.write([Change(key, {}) for key in ("team#b", "model#x", "team#a")])
    assert [key for key, _ in store.list("team#")] == ["team#a", "team#b"]


def test_what_one_transaction_cannot_take_is_refused(store: ControlStore) -> None:
    with pytest.raises(ValueError, match="one transaction"):
        store.write([Change("team#a", {}), Change("team#a", None)])
    with pytest.raises(ValueError, match="one transaction"):
        store.write([Change(f"team#{number}", {}) for number in range(101)])
    assert list(store.list("")) == []


def test_a_store_that_does_not_answer_is_a_storage_error(broken: Breaks) -> None:
    store = DynamoControlStore(broken("dynamodb", ReadTimeoutError(endpoint_url="x")), "control")
    for call in (
        lambda: store.get(["a"]),
        lambda: store.write([Change("a", {})]),
        lambda: list(store.list("a")),
    ):
        with pytest.raises(StorageError):
            call()


def test_a_table_that_does_not_exist_is_a_configuration_error(clients: Clients) -> None:
    with pytest.raises(ConfigurationError):
        DynamoControlStore(clients, "nowhere").get(["a"])


class Throttled:
    """DynamoDB that leaves every key unprocessed."""

    def batch_get_item(self, RequestItems: dict[str, object]) -> dict[str, object]:  # noqa: N803 - boto3's name
        return {"Responses": {}, "UnprocessedKeys": RequestItems}


def test_a_key_that_was_not_processed_is_not_taken_for_absent(clients: Clients) -> None:
    clients._made["dynamodb"] = Throttled()
    with pytest.raises(StorageError):
        DynamoControlStore(clients, "control").get(["api_key#x"])
