from __future__ import annotations

from typing import Any

import pytest

from penstock.errors import ConfigurationError, StorageError
from penstock.sdk.testing import Harness, harness
from plugins.tenant_eligibility.eligibility import TenantEligibility
from tests.plugins.every_door import folder_of

WHO = {"organisation": "acme", "team": "red", "api_key": "k-1", "tenant": "t-7"}


def run_with(rows: dict[str, Any] | None = None, **config: Any) -> Harness:
    run = harness(folder_of("tenant-eligibility"), config)
    for key, row in (rows or {}).items():
        run.capabilities.kept.put(key, row)
    return run


def said(result: Any) -> tuple[str | None, Any]:
    """The reason of a block, None when it passes, and whose row has decided."""
    assert result.failure is None
    return result.reason, result.recorded["decided_by"]


def test_who_is_in_no_row_may_use_nothing() -> None:
    run = run_with()
    assert said(run.before(identity=WHO, model="gpt-4o")) == ("not_eligible", "nobody")
    assert said(run.before(identity=WHO, mcp_server="files")) == ("not_eligible", "nobody")


@pytest.mark.parametrize(
    ("key", "by"),
    [
        ("api_key/k-1", "api_key"),
        ("tenant/t-7", "tenant"),
        ("team/red", "team"),
        ("organisation/acme", "organisation"),
    ],
)
def test_one_row_that_allows_is_enough(key: str, by: str) -> None:
    run = run_with({key: {"allow_models": ["gpt-4*"], "allow_mcp_servers": ["files"]}})
    assert said(run.before(identity=WHO, model="gpt-4o")) == (None, by)
    assert said(run.before(identity=WHO, mcp_server="files")) == (None, by)
    assert said(run.before(identity=WHO, model="gpt-5")) == ("not_eligible", "nobody")
    assert said(run.before(identity=WHO, mcp_server="mail")) == ("not_eligible", "nobody")
    other = {"organisation": "other", "team": "blue", "api_key": "k-2", "tenant": "t-8"}
    assert said(run.before(identity=other, model="gpt-4o")) == ("not_eligible", "nobody")


@pytest.mark.parametrize("denying", ["api_key/k-1", "tenant/t-7", "team/red", "organisation/acme"])
def test_one_row_that_denies_goes_before_all_that_allow(denying: str) -> None:
    keys = ("api_key/k-1", "tenant/t-7", "team/red", "organisation/acme")
    rows = {key: {"allow_models": ["*"]} for key in keys} | {denying: {"deny_models": ["gpt-4o"]}}
    run = run_with(rows)
    assert said(run.before(identity=WHO, model="gpt-4o")) == ("not_eligible", denying.partition("/")[0])
    assert said(run.before(identity=WHO, model="gpt-4o-mini"))[0] is None


def test_a_name_in_one_dimension_is_nobody_in_another() -> None:
    run = run_with({"tenant/acme": {"allow_models": ["*"]}, "api_key/red": {"allow_models": ["*"]}})
    assert said(run.before(identity=WHO, model="gpt-4o")) == ("not_eligible", "nobody")


def test_a_model_and_a_server_of_the_same_name_are_two() -> None:
    run = run_with({"tenant/t-7": {"allow_models": ["files"]}})
    assert said(run.before(identity=WHO, mcp_server="files", model="files"))[0] == "not_eligible"


class Down:
    def __getattr__(self, name: str) -> Any:
        def fail(*_: object, **__: object) -> Any:
            raise StorageError(name)

        return fail


def test_a_storage_that_does_not_answer_lets_nobody_pass_and_nobody_is_remembered() -> None:
    run = run_with({"organisation/acme": {"allow_models": ["*"]}}, cache_s=0)
    assert said(run.before(identity=WHO))[0] is None
    kept, run.capabilities.kept = run.capabilities.kept, Down()  # type: ignore[assignment]  # every method raises
    assert run.before(identity=WHO).failure is not None
    run.capabilities.kept = kept
    assert said(run.before(identity=WHO))[0] is None


@pytest.mark.parametrize("value", [{"allow_model": ["*"]}, ["*"], "*", {"allow_models": ["a b"]}])
def test_a_row_that_is_none_lets_nobody_pass(value: Any) -> None:
    run = run_with({"organisation/acme": {"allow_models": ["*"]}, "team/red": value})
    assert run.before(identity=WHO).failure is not None


@pytest.mark.parametrize(
    "key", ["acme", "tenant/", "user/x", "tenant/a b", "Tenant/x", "tenant/x\n", "tenant/*"]
)
def test_operators_cannot_store_a_row_under_a_key_that_nobody_reads(key: str) -> None:
    with pytest.raises(ValueError, match="a key is"):
        TenantEligibility().stored(key, {})


def test_operators_store_rows_and_nothing_else() -> None:
    plugin = TenantEligibility()
    stored = plugin.stored("tenant/t-7", {"allow_models": ["a*"], "deny_models": []})
    assert stored == {"allow_models": ["a*"]}
    others: list[Any] = [[], {"allow": []}, {"allow_models": "*"}, {"allow_models": ["[a]"]}]
    for value in others:
        with pytest.raises(ValueError, match="validation error"):
            plugin.stored("tenant/t-7", value)


@pytest.mark.parametrize("cache_s", [-1, 301, "long"])
def test_settings_that_cannot_work_are_refused(cache_s: Any) -> None:
    with pytest.raises(ConfigurationError, match="cache_s"):
        run_with(cache_s=cache_s)
