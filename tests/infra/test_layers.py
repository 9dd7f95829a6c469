from __future__ import annotations

from pathlib import Path

import pytest

from infra.layers import core_names, layer_files, plugin_layer, refuse_shadows
from penstock.errors import ConfigurationError
from penstock.sdk.loading import tree_digest
from tests import tree

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


@pytest.mark.parametrize("name", ["penstock", "functions", "httpx", "json", "signal"])
def test_a_layer_that_could_shadow_the_core_or_the_standard_library_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"would bring {name}, .*Take it out of the group"):
        refuse_shadows(frozenset({name, "phonenumbers"}), core_names())


def test_a_package_of_its_own_is_let_pass() -> None:
    refuse_shadows(frozenset({"phonenumbers"}), core_names())
