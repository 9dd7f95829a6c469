from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.plugin_storage import DynamoStorage
from penstock.cli.plugin_storage import Change, differences, rows_of
from penstock.errors import ConfigurationError
from penstock.sdk.storage import Stored
from tests.cli.gateways import APPLIED, Gateway, deployed, on_stack

STANZA = """
[[plugin]]
name = "tenant-eligibility"
[plugin.grant]
storage = true
[plugin.grant.before_upstream]
reads = ["identity", "request.model", "request.mcp.server"]
effects = ["block", "record"]
"""
NAME = "tenant-eligibility"
STORAGE = ("plugin", "storage")
ONE = {"allow_models": ["gpt-4o*"]}


@pytest.fixture
def keeping(gateway: Gateway) -> Gateway:
    """A gateway with the plugin that keeps a table."""
    gateway.deploy(STANZA + APPLIED)
    return gateway


def config(gateway: Gateway) -> tuple[str, str]:
    return "--config", str(gateway.file)


def written(gateway: Gateway, name: str, text: str) -> str:
    path = gateway.folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def kept(gateway: Gateway) -> dict[str, Any]:
    found = gateway.json(*STORAGE, "list", NAME)
    return {key: each["value"] for key, each in found.items()}


def test_a_table_is_loaded_from_a_file_and_a_second_time_changes_nothing(keeping: Gateway) -> None:
    table = '["tenant/t-7"]\nallow_models = ["gpt-4o*"]\n["team/red"]\nallow_mcp_servers = ["files"]\n'
    file = written(keeping, "table.toml", table)
    found = keeping.json(*STORAGE, "load", NAME, file, *config(keeping))
    assert [(each["action"], each["key"]) for each in found["changes"]] == [
        ("add", "tenant/t-7"),
        ("add", "team/red"),
    ]
    assert kept(keeping) == {"tenant/t-7": ONE, "team/red": {"allow_mcp_servers": ["files"]}}
    assert keeping.json(*STORAGE, "load", NAME, file, *config(keeping))["changes"] == []
    storage = DynamoStorage(keeping.clients, keeping.resources.storage_table, NAME)
    found_row = storage.get("tenant/t-7")
    assert found_row is not None
    assert found_row.value == ONE, "where the plugin itself reads it"


def test_what_a_file_does_not_name_stays_unless_told_otherwise(keeping: Gateway) -> None:
    first = written(keeping, "one.json", json.dumps({"tenant/a": ONE, "tenant/b": ONE}))
    second = written(keeping, "two.json", json.dumps({"tenant/a": {"deny_models": ["*"]}}))
    keeping.json(*STORAGE, "load", NAME, first, *config(keeping))
    keeping.json(*STORAGE, "load", NAME, second, *config(keeping))
    assert kept(keeping) == {"tenant/a": {"deny_models": ["*"]}, "tenant/b": ONE}
    dry = keeping.json(*STORAGE, "load", NAME, second, "--prune", "--dry-run", *config(keeping))
    assert (dry["stored"], [each["action"] for each in dry["changes"]]) == (False, ["remove"])
    assert len(kept(keeping)) == 2
    keeping.json(*STORAGE, "load", NAME, second, "--prune", *config(keeping))
    assert list(kept(keeping)) == ["tenant/a"]


def test_a_file_as_a_spreadsheet_saves_it_is_read(keeping: Gateway) -> None:
    table = "\ufeffkey,allow_models\r\ntenant/t-7,gpt-4o*\r\n"
    keeping.json(*STORAGE, "load", NAME, written(keeping, "t.csv", table), *config(keeping))
    assert kept(keeping) == {"tenant/t-7": ONE}


def test_rows_of_a_csv_with_the_same_key_add_up(keeping: Gateway) -> None:
    table = "key,allow_models,deny_models\ntenant/t-7,gpt-4o*,\ntenant/t-7,o3,gpt-4o-mini\nteam/red,*,\n"
    keeping.json(*STORAGE, "load", NAME, written(keeping, "t.csv", table), *config(keeping))
    assert kept(keeping) == {
        "tenant/t-7": {"allow_models": ["gpt-4o*", "o3"], "deny_models": ["gpt-4o-mini"]},
        "team/red": {"allow_models": ["*"]},
    }


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "t.json",
            json.dumps({"tenant/a": ONE, "tenant/b": {"allow_model": ["x"]}}),
            "'tenant/b' cannot be st",
        ),
        ("t.json", json.dumps({"tenant/a": ONE, "user/b": ONE}), "a key is api_key/"),
        ("t.json", json.dumps({"tenant/a": ONE, "": ONE}), "cannot be used"),
        ("t.json", "[]", "holds no keys"),
        ("t.json", "{", "cannot be read"),
        ("t.toml", "[x", "cannot be read"),
        ("t.csv", "tenant,allow_models\na,b\n", "no column 'key'"),
        ("t.csv", "key,allow_models\ntenant/a,b,c\n", "line 2"),
        ("t.csv", "key,allow_models\ntenant/a\n", "line 2"),
        ("t.csv", "key,deny_models,allow_models,deny_models\ntenant/a,a,b,\n", "'deny_models' twice"),
        ("t.csv", 'key,allow_models\n"tenant/a"b,c\n', "line 1 is no CSV"),
        ("t.json", '{"tenant/a": {"deny_models": ["a"]}, "tenant/a": {}}', "'tenant/a' twice"),
        ("t.json", "[" * 100_000, "cannot be read"),
        ("t.txt", "", "none that can be loaded"),
    ],
)
def test_a_file_of_which_anything_is_wrong_stores_nothing(
    keeping: Gateway, name: str, text: str, words: str
) -> None:
    found = keeping.run(*STORAGE, "load", NAME, written(keeping, name, text), *config(keeping))
    assert found.status == 2
    assert words in found.err
    assert kept(keeping) == {}


def test_one_value_is_put_looked_at_and_deleted(keeping: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(ONE)))
    keeping.json(*STORAGE, "put", NAME, "tenant/t-7", "-", *config(keeping))
    assert keeping.run(*STORAGE, "get", NAME, "tenant/t-7").json["value"] == ONE
    assert "gpt-4o*" in keeping.run(*STORAGE, "list", NAME).out
    assert keeping.json(*STORAGE, "list", NAME, "--prefix", "team/") == {}
    assert keeping.json(*STORAGE, "delete", NAME, "tenant/t-7")["deleted"] == "yes"
    again = keeping.json(*STORAGE, "delete", NAME, "tenant/t-7")
    assert again["deleted"] == "no: it was not there"
    gone = keeping.run(*STORAGE, "get", NAME, "tenant/t-7")
    assert gone.status == 2
    assert "is not there" in gone.err
    bad = keeping.run(*STORAGE, "put", NAME, "tenant/t-7", written(keeping, "v.json", "{"), *config(keeping))
    assert (bad.status, kept(keeping)) == (2, {})


def test_what_somebody_else_changed_meanwhile_is_left_and_told(
    keeping: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = {"deny_models": ["*"]}
    storage = DynamoStorage(keeping.clients, keeping.resources.storage_table, NAME)
    storage.put("tenant/a", theirs)
    old = {"tenant/a": Stored({}, "an older version")}
    file = written(keeping, "t.json", json.dumps({"tenant/a": ONE, "tenant/b": ONE}))
    with monkeypatch.context() as patched:
        patched.setattr("penstock.cli.plugin_storage._all", lambda *_: old)
        found = keeping.run(*STORAGE, "load", NAME, file, *config(keeping))
    assert found.status == 2
    assert "somebody else changed 'tenant/a'" in found.err
    assert kept(keeping) == {"tenant/a": theirs, "tenant/b": ONE}


def test_a_plugin_that_keeps_nothing_has_no_table(keeping: Gateway) -> None:
    found = keeping.run(*STORAGE, "list", "tenant-eligible")
    assert found.status == 2
    assert "Did you mean 'tenant-eligibility'?" in found.err


def test_a_deployed_gateway_s_table_is_the_one_that_its_stack_tells(keeping: Gateway) -> None:
    deployed(keeping)
    file = written(keeping, "t.json", json.dumps({"tenant/t-7": ONE}))
    assert on_stack(keeping, *STORAGE, "load", NAME, file, *config(keeping)).status == 0
    assert kept(keeping) == {"tenant/t-7": ONE}


def test_a_file_is_compared_with_what_is_there_version_by_version() -> None:
    there = {"a": Stored(1, "v1"), "b": Stored(2, "v2"), "c": Stored(3, "v3")}
    found = list(differences({"a": 1, "b": 5, "d": 4}, there, prune=True))
    assert found == [
        Change("change", "b", 5, "v2"),
        Change("add", "d", 4, ""),
        Change("remove", "c", None, "v3"),
    ]


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        rows_of(path)
