from __future__ import annotations

from pathlib import Path

import pytest

from infra.layers import core_names, layer_files, modules_of, plugin_layer
from penstock.configuration.layer import CORE
from penstock.configuration.requirements import fetch
from penstock.errors import ConfigurationError
from penstock.sdk.loading import tree_digest
from tests import tree
from tests.configuration import files
from tests.configuration.test_requirements import FakePip, plugin

REDACTOR = tree.ROOT / "plugins" / "pii_redactor"
EXPORT = tree.ROOT / "plugins" / "audit_export"


def test_a_plugin_s_tree_is_in_the_layer_byte_for_byte_where_the_loader_looks(tmp_path: Path) -> None:
    staged = plugin_layer({"pii-redactor": REDACTOR}, tmp_path)
    assert tree_digest(staged.folder / "python" / "penstock_plugins" / "pii_redactor") == tree_digest(
        REDACTOR
    )


def test_the_namespace_has_no_init_so_that_neither_half_hides_the_other() -> None:
    files = layer_files({"pii-redactor": REDACTOR, "audit-export": EXPORT})
    assert "python/penstock_plugins/__init__.py" not in files
    assert {name.split("/")[2] for name in files if name.startswith("python/")} == {
        "pii_redactor",
        "audit_export",
    }


def test_a_layer_brings_the_packages_that_its_plugins_import_and_no_others() -> None:
    assert any(name.startswith("packages/phonenumbers/") for name in layer_files({"r": REDACTOR}))
    assert not [name for name in layer_files({"e": EXPORT}) if name.startswith("packages/")]


def test_nothing_lies_where_lambda_s_own_path_would_find_it() -> None:
    tops = {tuple(name.split("/")[:2]) for name in layer_files({"pii-redactor": REDACTOR})}
    assert ("python", "penstock_plugins") in tops
    assert not [top for top in tops if top[0] == "python" and top[1] != "penstock_plugins"]


def test_the_names_that_no_plugin_may_bring_are_those_of_the_asset() -> None:
    modules = {name for name in core_names() if "-" not in name} - {"snapshot"}
    assert modules == CORE, (
        "penstock/configuration/layer.py lists them: a plugin is registered without assets"
    )


def test_what_a_plugin_brings_lies_in_its_own_folder_and_wins_over_the_built_ins_packages(
    tmp_path: Path,
) -> None:
    folder = plugin(tmp_path)
    (folder / "guard.py").write_text("import wares\nimport phonenumbers\n" + files.SOURCE)
    place = fetch(folder, tmp_path, FakePip())
    assert place is not None
    found = layer_files({"guard": folder}, base=tmp_path)
    assert "python/penstock_plugins/guard/_vendor/wares/__init__.py" in found
    assert any(name.startswith("packages/phonenumbers/") for name in found)
    assert set(modules_of(folder, tmp_path)) == {"wares", "phonenumbers"}
    (place / "lambda" / "phonenumbers").mkdir()
    (place / "lambda" / "phonenumbers" / "__init__.py").write_text("")
    found = layer_files({"guard": folder}, base=tmp_path)
    assert "python/penstock_plugins/guard/_vendor/phonenumbers/__init__.py" in found
    assert not [name for name in found if name.startswith("packages/")]


def test_what_no_layer_holds_is_refused_by_path_too(tmp_path: Path) -> None:
    folder = files.plugin(tmp_path)
    (folder / "hook.pth").write_text("import os")
    with pytest.raises(ConfigurationError, match=r"hook\.pth: is a \.pth file"):
        layer_files({"guard": folder})
