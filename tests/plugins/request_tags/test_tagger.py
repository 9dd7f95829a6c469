from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock.errors import ConfigurationError
from penstock.sdk.sample import IDENTITY
from penstock.sdk.testing import Result, harness

FOLDER = Path("plugins/request_tags")
CONFIG: dict[str, Any] = {
    "cost_centers": ["cc-key", "cc-tenant", "cc-team", "cc-rest"],
    "by_api_key": {"key-1": "cc-key"},
    "by_tenant": {"globex": "cc-tenant"},
    "by_team": {"payments": "cc-team"},
    "tenants": ["globex", "other"],
}
HEADER = "request.headers.x-cost-center"


def run(identity: dict[str, str | None], **changes: Any) -> Result:
    return harness(FOLDER, {**CONFIG, **changes}).before(identity={**dict.fromkeys(IDENTITY), **identity})


@pytest.mark.parametrize(
    ("identity", "cost_center"),
    [
        ({"api_key": "key-1", "tenant": "globex", "team": "payments"}, "cc-key"),
        ({"api_key": "key-2", "tenant": "globex", "team": "payments"}, "cc-tenant"),
        ({"api_key": "key-2", "tenant": "initech", "team": "payments"}, "cc-team"),
        ({"team": "payments"}, "cc-team"),
    ],
)
def test_the_most_telling_mapping_names_who_pays(identity: dict[str, str | None], cost_center: str) -> None:
    result = run(identity)
    assert result.action == "transform"
    assert result.members("request.tags")["cost_center"] == cost_center
    assert result.header(HEADER) == cost_center


def test_a_team_without_a_cost_center_is_denied_or_pays_by_default() -> None:
    unmapped: dict[str, str | None] = {"api_key": "key-2", "team": "research"}
    denied = run(unmapped)
    assert (denied.action, denied.reason) == ("block", "unmapped_team")
    assert run(unmapped, unmapped="default", default="cc-rest").header(HEADER) == "cc-rest"


def test_a_key_without_team_or_tenant_is_unmapped() -> None:
    assert run({"api_key": "key-2"}).reason == "unmapped_team"
    assert run({}, by_team={"None": "cc-team"}).reason == "unmapped_team"


@pytest.mark.parametrize(("tenant", "tag"), [("globex", "globex"), ("initech", "other"), (None, None)])
def test_the_tenant_s_tag_is_bounded(tenant: str | None, tag: str | None) -> None:
    assert run({"api_key": "key-1", "tenant": tenant}).members("request.tags").get("tenant") == tag


def test_a_tenant_that_is_not_listed_has_no_tag_when_there_is_no_other() -> None:
    assert "tenant" not in run({"api_key": "key-1", "tenant": "initech"}, tenants=["globex"]).members(
        "request.tags"
    )


def test_what_the_caller_sent_is_overwritten() -> None:
    result = harness(FOLDER, CONFIG).before(headers={"x-cost-center": "free"}, tags={"cost_center": "free"})
    assert (result.header(HEADER), result.members("request.tags")["cost_center"]) == ("cc-key", "cc-key")


@pytest.mark.parametrize("field", ["request.tags", HEADER])
def test_it_writes_what_it_was_granted_and_no_more(field: str) -> None:
    result = harness(FOLDER, CONFIG, without=[field]).before()
    assert (result.failure, result.action) == (None, "transform")
    assert field not in result.changed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"by_team": {"payments": "cc-unknown"}}, "'cc-unknown' is not one of `cost_centers`"),
        ({"unmapped": "default"}, "go together"),
        ({"default": "cc-rest"}, "go together"),
        ({"unmapped": "default", "default": "cc-unknown"}, "'cc-unknown' is not one of"),
        ({"cost_centers": ["two words"]}, "cost_centers"),
        ({"cost_centers": ["line\nbreak"]}, "cost_centers"),
        ({"cost_centers": []}, "cost_centers"),
        ({"cost_centers": [f"cc-{n}" for n in range(201)]}, "cost_centers"),
        ({"by_user": {}}, "by_user"),
    ],
)
def test_a_wrong_setting_is_refused_and_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        harness(FOLDER, {**CONFIG, **changes})
