from __future__ import annotations

from pathlib import Path

from penstock.governance import api_keys
from penstock.sdk.manifest import read_manifest
from plugins.secret_scanner.forms import KEY_FORMS
from plugins.secret_scanner.rules import RULES
from plugins.secret_scanner.scanner import RuleActions

MANIFEST = read_manifest(Path("plugins/secret_scanner"))
README = Path("plugins/secret_scanner/README.md").read_text(encoding="utf-8")


def test_every_rule_has_an_action_and_every_action_a_rule() -> None:
    assert set(RuleActions.model_fields) == set(RULES)


def test_the_families_are_the_manifest_s_reasons_and_records() -> None:
    families = {rule.family for rule in RULES.values()}
    assert {family.reason for family in families} == set(MANIFEST.reasons)
    assert {family.record for family in families} == set(MANIFEST.records)


def test_every_rule_stands_in_the_readme_in_the_row_of_its_family() -> None:
    family = ""
    rows: dict[str, str] = {}
    for line in README.partition("## Rules")[2].partition("\n## ")[0].splitlines():
        cells = line.split("|")
        if len(cells) == 5:
            family = cells[1].strip() or family
            rows |= {name.strip(" `"): family for name in cells[2].split(",")}
    told = {name: rows.get(name) for name in RULES}
    assert told == {name: f"`{rule.family.reason}`, `{rule.family.record}`" for name, rule in RULES.items()}


def test_every_rule_names_a_public_source() -> None:
    public = ("https://", "RFC ")
    own = {name for name, rule in RULES.items() if not rule.source.startswith(public)}
    assert own == {"penstock", "assigned_secret"}


def test_the_gateway_s_own_keys_are_found() -> None:
    key = api_keys.new_secret(lambda size: bytes(range(7, 7 + size)))
    assert any(form.pattern.fullmatch(key) for form in KEY_FORMS if form.rule == "penstock")
