from __future__ import annotations

from typing import Any

import pytest

from penstock.adapters.control import Change, MemoryControlStore
from penstock.configuration.applying import Difference, apply, differences, unknown_keys
from penstock.errors import ConfigurationError
from penstock.governance.api_keys import ApiKeys, KeyOwner

WANTED: dict[str, dict[str, Any]] = {
    "organisation#acme": {"id": "acme"},
    "model#gpt": {"id": "gpt", "target": {"base_url": "https://a", "auth": "none"}},
    "grants#organisation#acme": {"models": ["gpt"], "mcp_servers": []},
}


@pytest.fixture
def store() -> MemoryControlStore:
    made = MemoryControlStore()
    apply(made, differences(made, WANTED))
    return made


def test_applying_twice_changes_nothing(store: MemoryControlStore) -> None:
    assert differences(store, WANTED) == []
    assert {key: entry.document for key, entry in store.list("")} == WANTED


def test_a_change_is_told_key_by_key(store: MemoryControlStore) -> None:
    target = {"base_url": "https://b", "auth": "none"}
    (found,) = differences(store, {**WANTED, "model#gpt": {"id": "gpt", "target": target}})
    assert (found.action, found.kind, found.name) == ("change", "model", "gpt")
    assert found.details == (("target.base_url", "https://a", "https://b"),)


def test_what_is_gone_from_the_file_is_removed_grants_first(store: MemoryControlStore) -> None:
    found = differences(store, {"organisation#acme": WANTED["organisation#acme"]})
    assert [(item.action, item.key) for item in found] == [
        ("remove", "grants#organisation#acme"),
        ("remove", "model#gpt"),
    ]
    apply(store, found)
    assert [key for key, _ in store.list("")] == ["organisation#acme"]


def test_keys_and_overrides_are_not_the_files_to_remove(store: MemoryControlStore) -> None:
    ApiKeys(store).create("app", KeyOwner("acme"), 1)
    store.write([Change("overrides", {"plugins": {}})])
    assert differences(store, WANTED) == []


def test_an_organisation_with_a_working_key_is_not_removed(store: MemoryControlStore) -> None:
    keys = ApiKeys(store)
    keys.create("app", KeyOwner("acme"), 1)
    found = differences(store, {})
    with pytest.raises(
        ConfigurationError, match=r"API key 'app' belongs to it\. Run `penstock keys revoke app`"
    ):
        apply(store, found)
    assert differences(store, WANTED) == []
    keys.revoke("app", 2)
    apply(store, found)
    assert differences(store, {}) == []


def test_two_operators_at_once_do_not_overwrite_each_other(store: MemoryControlStore) -> None:
    found = differences(store, {**WANTED, "model#gpt": {"id": "gpt"}})
    store.write([Change("model#gpt", {"id": "other"})])
    with pytest.raises(ConfigurationError, match="changed by somebody else meanwhile"):
        apply(store, found)


def test_more_than_a_transaction_takes_is_written_in_parts() -> None:
    store = MemoryControlStore()
    wanted: dict[str, dict[str, Any]] = {f"team#{number}": {"id": str(number)} for number in range(250)}
    apply(store, differences(store, wanted))
    assert differences(store, wanted) == []


def test_keys_that_are_granted_and_do_not_exist_are_named(store: MemoryControlStore) -> None:
    ApiKeys(store).create("app", KeyOwner("acme"), 1)
    wanted: dict[str, dict[str, Any]] = {"grants#api_key#app": {}, "grants#api_key#later": {}}
    assert unknown_keys(store, wanted) == ["later"]
    assert unknown_keys(store, {}) == []


def test_a_difference_names_its_kind() -> None:
    assert Difference("add", "grants#api_key#app", {}, 0).kind == "grants"
