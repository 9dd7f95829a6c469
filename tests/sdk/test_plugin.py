"""The base class: what an author need not write."""

from __future__ import annotations

import inspect

import pytest
from pydantic import ValidationError

from penstock.sdk import Plugin, PluginConfig
from penstock.sdk.fields import MOMENTS


def test_the_hooks_are_the_moments_and_each_says_what_happens_on_a_crash() -> None:
    hooks = {name for name, _ in inspect.getmembers(Plugin, inspect.isfunction) if not name.startswith("_")}
    assert hooks == {*MOMENTS, "prepare", "stored"}
    for moment in MOMENTS:
        told = inspect.getdoc(getattr(Plugin, moment)) or ""
        assert "Called" in told
        assert any(word in told for word in ("crashes", "Failure", "exception"))


def test_a_configuration_refuses_unknown_keys_and_later_changes() -> None:
    class Config(PluginConfig):
        limit: int = 1

    with pytest.raises(ValidationError):
        Config.model_validate({"limt": 2})
    with pytest.raises(ValidationError):
        Config().limit = 2  # type: ignore[misc]  # what a plugin might try


def test_a_plugin_without_settings_has_an_empty_configuration() -> None:
    assert Plugin.config_model is PluginConfig
    assert PluginConfig.model_fields == {}
    Plugin().prepare(PluginConfig())


def test_a_plugin_takes_whatever_operators_keep_for_it_unless_it_says_what() -> None:
    rows = {"allow": ["*"]}
    assert Plugin().stored("team/claims", rows) is rows
