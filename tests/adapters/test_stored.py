from __future__ import annotations

from moto import mock_aws

from penstock.adapters.plugin_storage import DynamoStorage
from penstock.adapters.provision import provision
from penstock.adapters.stored import all_stored
from tests.aws_clients import shared_clients


def test_all_of_one_plugin_is_listed_and_nothing_of_another_or_of_what_has_expired() -> None:
    with mock_aws():
        clients = shared_clients()
        table = provision(clients, "test", plugins=[]).storage_table
        for plugin in ("one", "other"):
            storage = DynamoStorage(clients, table, plugin, now_s=lambda: 1_000)
            storage.put("b", {"of": plugin})
            storage.put("a", 1, ttl_s=10)
        now = all_stored(clients, table, "one", now_s=lambda: 1_005)
        later = all_stored(clients, table, "one", now_s=lambda: 1_011)
        assert [(key, each.value) for key, each in now.items()] == [("a", 1), ("b", {"of": "one"})]
        assert list(later) == ["b"]
        assert now["b"].version == storage_version(DynamoStorage(clients, table, "one"), "b")


def storage_version(storage: DynamoStorage, key: str) -> str:
    found = storage.get(key)
    assert found is not None
    return found.version
