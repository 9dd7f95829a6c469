from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from penstock.configuration.model import (
    AccessGrant,
    EvidenceSettings,
    GatewayFile,
    Model,
    PluginStanza,
    ScopeStanza,
)
from penstock.errors import ConfigurationError
from tests.configuration import files


def models(root: type[BaseModel] = GatewayFile) -> set[type[BaseModel]]:
    found = {root}
    waiting: list[Any] = [field.annotation for field in root.model_fields.values()]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in found:
            found |= models(kind)
        waiting.extend(getattr(kind, "__args__", ()))
    return found


def test_every_key_has_its_sentence_for_the_docs() -> None:
    bare = [
        f"{model.__name__}.{name}"
        for model in models()
        for name, f in model.model_fields.items()
        if not f.description
    ]
    assert bare == []


def test_no_stanza_takes_an_unknown_key() -> None:
    assert {model.model_config.get("extra") for model in models()} == {"forbid"}


def test_a_scope_is_a_table_of_what_is_given() -> None:
    scope = ScopeStanza.model_validate({"team": ["a"], "except": [{"model": ["x"]}]})
    assert scope.table() == {"team": ("a",)}
    assert [table.table() for table in scope.exceptions] == [{"model": ("x",)}]


@pytest.mark.parametrize("patterns", [[], [""], ["a b"], ["?" * 3]])
def test_a_scope_without_a_fit_pattern_is_refused(patterns: list[str]) -> None:
    with pytest.raises(ValidationError):
        ScopeStanza.model_validate({"team": patterns})


def test_a_grant_names_each_of_its_subjects() -> None:
    grant = AccessGrant(api_keys=("k",), teams=("t", "u"), models=("m",))
    assert grant.subjects() == [("api_key", "k"), ("team", "t"), ("team", "u")]


def test_a_price_comes_with_its_twin() -> None:
    with pytest.raises(ValidationError, match="give both prices"):
        Model(id="m", provider="p", input_price_nanousd_per_token=1)


def test_one_policy_is_the_policy_for_everything() -> None:
    assert PluginStanza(name="aa", uninspected="allow").policies() == {"default": "allow"}


def test_evidence_that_is_only_logged_is_not_promised() -> None:
    with pytest.raises(ConfigurationError) as caught:
        files.source('[deployment]\n[deployment.evidence]\ndurability = "log"\n')
    assert ':3: deployment.evidence.durability: `"log"` is not part of this version' in str(caught.value)


@pytest.mark.parametrize(
    ("stanza", "key"),
    [(EvidenceSettings, "durability")],
)
def test_what_is_refused_for_now_says_so_in_the_docs(stanza: type[BaseModel], key: str) -> None:
    assert "not in this version" in " ".join((stanza.model_fields[key].description or "").lower().split())
