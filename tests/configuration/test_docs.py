from __future__ import annotations

from pathlib import Path

from penstock.configuration.docs import configuration_page
from penstock.configuration.model import GatewayFile, PluginStanza
from penstock.configuration.providers import Provider

PAGE = Path(__file__).parent.parent.parent / "docs" / "configuration.md"


def test_every_stanza_and_every_key_is_on_the_page() -> None:
    page = configuration_page()
    for name in GatewayFile.model_fields:
        assert f"## `[{name}]`" in page or f"## `[[{name}]]`" in page
    for model in (PluginStanza, Provider):
        assert all(f"| `{field.alias or name}` |" in page for name, field in model.model_fields.items())


def test_kinds_and_defaults_are_said_in_an_operators_words() -> None:
    page = configuration_page()
    assert '| `mode` | `"off"`, `"shadow"`, `"enforce"` | `"enforce"` |' in page
    assert "| `name` | text | **required** | As its manifest says. |" in page
    assert "| `addresses` | list of text |  |" in page
    assert "| `required` | true or false | `false` |" in page
    assert "None" not in page
    assert "<class" not in page
    assert "typing" not in page


def test_the_tables_inside_a_plugin_are_shown_once_each() -> None:
    page = configuration_page()
    for table in ("plugin.scope", "plugin.grant", "plugin.grant.<moment>", "deployment.gate_budget_ms"):
        assert page.count(f"### `[{table}]`") == 1


def test_the_page_in_docs_is_the_one_that_the_types_make() -> None:
    assert PAGE.read_text(encoding="utf-8").endswith(configuration_page())
