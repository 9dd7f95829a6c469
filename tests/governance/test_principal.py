from __future__ import annotations

from penstock.evidence import record
from penstock.gates.scope import DIMENSIONS
from penstock.governance.principal import Principal


def test_a_principal_is_the_same_in_scope_and_evidence() -> None:
    principal = Principal("acme", "app", "red", None, "t1")
    assert principal.record() == record.Principal("acme", "red", None, "app", "t1")
    assert set(principal.facts()) <= set(DIMENSIONS)
    assert principal.facts()["api_key"] == "app"


def test_grants_are_looked_up_for_what_it_has_and_nothing_else() -> None:
    assert Principal("acme", "app").grant_keys() == ("grants#api_key#app", "grants#organisation#acme")
