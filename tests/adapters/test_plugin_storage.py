from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from penstock.adapters.clients import Clients
from penstock.adapters.keys import STORAGE
from penstock.adapters.plugin_storage import DynamoStorage
from penstock.errors import StorageError, WriteUnknownError
from penstock.sdk.storage import ABSENT, MAX_KEY_BYTES, MAX_VALUE_BYTES, MemoryStorage, Storage, Stored
from tests.adapters import tables


@dataclass
class Clock:
    now_s: float = 1_000_000.0
    versions: Callable[[], str] = field(default_factory=lambda: map("v{}".format, count(1)).__next__)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def storage(kind: str, clients: Clients, clock: Clock) -> Storage:
    if kind == "memory":
        return MemoryStorage(lambda: clock.now_s, clock.versions)
    return dynamo(clients, clock)


def dynamo(clients: Clients, clock: Clock, plugin: str = "mine") -> DynamoStorage:
    existing = clients.dynamodb.list_tables()["TableNames"]
    table = STORAGE.name if STORAGE.name in existing else tables.made(clients, STORAGE)
    return DynamoStorage(clients, table, plugin, now_s=lambda: clock.now_s, new_version=clock.versions)


@pytest.mark.parametrize(
    "value", [None, "", "text é \U0001f600", 0, 12345678901234567890, [1, {"a": None}], {}]
)
def test_what_was_put_is_got_as_it_was(storage: Storage, value: Any) -> None:
    version = storage.put("a", value)
    assert version
    assert storage.get("a") == Stored(value, version)


def test_nothing_is_where_nothing_was_put(storage: Storage) -> None:
    storage.put("a", 1)
    assert storage.get("b") is None


def test_a_value_ends_when_its_time_is_over_and_not_before(storage: Storage, clock: Clock) -> None:
    storage.put("a", 1, ttl_s=10)
    clock.now_s += 9
    assert storage.get("a") is not None
    clock.now_s += 1
    assert storage.get("a") is None


def test_a_value_lives_as_long_as_was_said_from_within_a_second_too(storage: Storage, clock: Clock) -> None:
    clock.now_s += 0.9
    storage.put("a", 1, ttl_s=1)
    clock.now_s += 0.95
    assert storage.get("a") is not None


def test_a_value_that_is_put_anew_without_an_end_has_none(storage: Storage, clock: Clock) -> None:
    storage.put("a", 1, ttl_s=10)
    storage.put("a", 2)
    clock.now_s += 100
    found = storage.get("a")
    assert found is not None
    assert found.value == 2


def test_of_two_that_expect_the_same_version_one_writes(storage: Storage) -> None:
    before = storage.put("a", 1)
    assert storage.put("a", 2, expected=before) is not None
    assert storage.put("a", 3, expected=before) is None
    found = storage.get("a")
    assert found is not None
    assert found.value == 2


def test_of_two_that_expect_nothing_one_writes(storage: Storage, clock: Clock) -> None:
    assert storage.put("a", 1, ttl_s=10, expected=ABSENT) is not None
    assert storage.put("a", 2, expected=ABSENT) is None
    clock.now_s += 10  # what is over counts as nothing, removed or not
    assert storage.put("a", 3, expected=ABSENT) is not None


def test_what_is_over_is_no_longer_the_version_that_was_expected(storage: Storage, clock: Clock) -> None:
    before = storage.put("a", 1, ttl_s=10)
    clock.now_s += 10
    assert storage.put("a", 2, expected=before) is None


def test_a_version_never_comes_back(storage: Storage) -> None:
    before = storage.put("a", 1)
    storage.delete("a")
    storage.put("a", 1)
    assert storage.put("a", 2, expected=before) is None


def test_only_the_expected_version_is_deleted(storage: Storage) -> None:
    before = storage.put("a", 1)
    storage.put("a", 2)
    assert not storage.delete("a", expected=before)
    assert not storage.delete("a", expected=ABSENT)
    assert storage.get("a") is not None
    assert storage.delete("a")
    assert storage.get("a") is None
    assert storage.delete("a")
    assert storage.delete("a", expected=before)


@pytest.mark.parametrize("key", ["", "k" * (MAX_KEY_BYTES + 1), "é" * MAX_KEY_BYTES, 5, None])
def test_a_key_beyond_its_bounds_is_refused_before_anything_is_asked(storage: Storage, key: Any) -> None:
    for call in (storage.get, storage.delete, lambda k: storage.put(k, 1)):
        with pytest.raises(ValueError, match="a key"):
            call(key)


@pytest.mark.parametrize("value", [float("nan"), object(), b"bytes", {1, 2}, "x" * MAX_VALUE_BYTES, "\ud83d"])
def test_a_value_that_json_cannot_say_or_that_is_too_large_is_refused(storage: Storage, value: Any) -> None:
    with pytest.raises(ValueError, match="a value"):
        storage.put("a", value)
    assert storage.get("a") is None


@pytest.mark.parametrize("ttl_s", [0, -1, 1.5, True, 10**12])
def test_a_time_that_is_none_is_refused(storage: Storage, ttl_s: Any) -> None:
    with pytest.raises(ValueError, match="ttl_s"):
        storage.put("a", 1, ttl_s=ttl_s)


def test_plugins_do_not_see_each_others_keys(clients: Clients, clock: Clock) -> None:
    mine, other = dynamo(clients, clock), dynamo(clients, clock, "other")
    mine.put("a", 1)
    assert other.get("a") is None
    other.delete("a")
    assert mine.get("a") is not None


def said(status: int, code: str) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "PutItem")


LOST = ReadTimeoutError(endpoint_url="x")
REFUSED, BROKE = said(400, "ThrottlingException"), said(500, "InternalServerError")


def losing(
    clients: Clients, operation: str, error: Exception, after: Callable[[], object] = lambda: None
) -> list[str]:
    """From here on the answer to `operation` is `error`, when it is done, and `after` too."""
    client = clients.dynamodb_once
    really, calls = getattr(client, operation), []

    def lost(**given: Any) -> Any:
        calls.append(operation)
        if error is not REFUSED:
            really(**given)
            after()
        raise error

    setattr(client, operation, lost)
    return calls


@pytest.mark.parametrize("expected", [ABSENT, "v1"])
@pytest.mark.parametrize("error", [LOST, BROKE], ids=["no answer", "an error of the service's"])
def test_a_write_on_a_condition_whose_answer_was_lost_is_found_and_not_sent_again(
    clients: Clients, clock: Clock, expected: str, error: Exception
) -> None:
    storage = dynamo(clients, clock)
    if expected:
        storage.put("a", 0)
    calls = losing(clients, "put_item", error)
    assert storage.put("a", 1, expected=expected) == ("v2" if expected else "v1")
    assert calls == ["put_item"]


def test_a_write_that_others_have_written_over_is_unknown_and_not_counted_twice(
    clients: Clients, clock: Clock
) -> None:
    storage = dynamo(clients, clock)
    before = storage.put("a", 1)
    losing(clients, "put_item", LOST, lambda: storage.put("a", 3))
    with pytest.raises(WriteUnknownError, match="not known"):
        storage.put("a", 2, expected=before)


@pytest.mark.parametrize("others_write", [False, True])
def test_a_removal_whose_answer_was_lost_is_looked_for(
    clients: Clients, clock: Clock, others_write: bool
) -> None:
    storage = dynamo(clients, clock)
    before = storage.put("a", 1)
    losing(clients, "delete_item", LOST, (lambda: storage.put("a", 2)) if others_write else lambda: None)
    if not others_write:
        assert storage.delete("a", expected=before)
        return
    with pytest.raises(WriteUnknownError):
        storage.delete("a", expected=before)


def test_what_the_store_has_refused_is_not_unknown(clients: Clients, clock: Clock) -> None:
    storage = dynamo(clients, clock)
    losing(clients, "put_item", REFUSED)
    with pytest.raises(StorageError) as raised:
        storage.put("a", 1, expected=ABSENT)
    assert not isinstance(raised.value, WriteUnknownError)


def test_where_nothing_can_be_read_either_a_write_is_unknown(
    clients: Clients, clock: Clock, broken: Callable[[str, Exception], Clients]
) -> None:
    storage = dynamo(clients, clock)
    losing(clients, "put_item", LOST)
    broken("dynamodb", LOST)
    with pytest.raises(WriteUnknownError):
        storage.put("a", 1, expected=ABSENT)


def attempts(client: Any) -> int:
    return int(client.meta.config.retries["total_max_attempts"])


def test_a_write_on_a_condition_has_one_attempt_and_any_other_call_two(clients: Clients) -> None:
    assert (attempts(clients.dynamodb_once), attempts(clients.dynamodb)) == (1, 2)


def test_a_store_that_does_not_answer_is_a_failure_of_storage(
    clock: Clock, broken: Callable[[str, Exception], Clients], clients: Clients
) -> None:
    dynamo(clients, clock)
    storage = DynamoStorage(broken("dynamodb", ReadTimeoutError(endpoint_url="x")), STORAGE.name, "mine")
    for call in (lambda: storage.get("a"), lambda: storage.put("a", 1), lambda: storage.delete("a")):
        with pytest.raises(StorageError):
            call()
