from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from penstock.configuration.settings import Settings
from penstock.errors import ConfigurationError

SETTINGS = Settings(
    control_table="control",
    ledger_table="ledger",
    storage_table="storage",
    evidence_bucket="evidence",
    outbox_url="https://sqs/outbox",
    plugin_queue_pattern="https://sqs/p-plugin-{plugin}",
    evidence_key_secret="p/evidence-key",
    snapshot_path="/var/task/snapshot.json",
    region="eu-central-1",
    deployment="team",
    plugin_roots=("/a", "/b"),
    local=True,
    egress_alias="team-egress:audit-export",
)


def test_settings_survive_the_environment() -> None:
    assert Settings.read(SETTINGS.environment()) == SETTINGS


def test_every_missing_variable_is_named() -> None:
    environment = SETTINGS.environment() | {"PENSTOCK_OUTBOX_URL": ""}
    del environment["PENSTOCK_LEDGER_TABLE"]
    with pytest.raises(ConfigurationError, match="PENSTOCK_LEDGER_TABLE, PENSTOCK_OUTBOX_URL not set"):
        Settings.read(environment)


def test_outside_the_local_gateway_plugins_are_in_layers_and_nothing_is_local() -> None:
    environment = SETTINGS.environment()
    for optional in ("PENSTOCK_LOCAL", "PENSTOCK_PLUGIN_ROOTS", "PENSTOCK_EGRESS_ALIAS"):
        del environment[optional]
    settings = Settings.read(environment)
    assert settings.plugin_roots == ("/opt/python/penstock_plugins",)
    assert (settings.local, settings.egress_alias) == (False, None)


def test_a_plugins_queue_has_its_name() -> None:
    assert SETTINGS.plugin_queue_url("audit-export") == "https://sqs/p-plugin-audit-export"


def test_a_plugin_folder_is_found_in_the_first_root_that_holds_it(tmp_path: Path) -> None:
    (tmp_path / "two" / "guard").mkdir(parents=True)
    (tmp_path / "two" / "guard" / "plugin.toml").touch()
    settings = replace(SETTINGS, plugin_roots=(str(tmp_path / "one"), str(tmp_path / "two")))
    assert settings.plugin_folder("guard") == tmp_path / "two" / "guard"
    with pytest.raises(ConfigurationError, match="'other': is not in"):
        settings.plugin_folder("other")
