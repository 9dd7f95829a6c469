from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from penstock.evidence.encoding import as_mapping
from penstock.evidence.record import EvidenceRecord, Principal, Resource
from penstock.sdk import Evidence
from penstock.sdk.rules import Rule
from tests.evidence import examples


def rule(**conditions: Any) -> Rule:
    return Rule(name="a-rule", **conditions)


def matches(record: EvidenceRecord, **conditions: Any) -> bool:
    return rule(**conditions).matches(Evidence(as_mapping(record)))


def test_outcomes_codes_and_status_are_those_that_the_caller_got() -> None:
    blocked = examples.blocked()
    assert matches(blocked, outcomes=("blocked",))
    assert matches(blocked, outcomes=("failed", "blocked"), codes=("card-guard.*",), status_at_least=403)
    assert not matches(blocked, outcomes=("failed",))
    assert not matches(blocked, codes=("secret-scanner.*",))
    assert not matches(blocked, status_at_least=404)
    assert not matches(examples.answered(), codes=("*",)), "an answer has no code"
    assert not matches(examples.unknown(), status_at_least=100), "nobody knows its status"


def test_a_budget_that_is_used_up_is_a_code() -> None:
    assert matches(replace(examples.denied(), code="budget_exceeded"), codes=("budget_exceeded",))


@pytest.mark.parametrize(
    ("cost", "expected"), [(None, False), (0, False), (99, False), (100, False), (101, True)]
)
def test_a_cost_over_the_bound_matches_and_none_does_not(cost: int | None, expected: bool) -> None:
    assert matches(replace(examples.answered(), cost_nanousd=cost), cost_nanousd_over=100) is expected


def test_any_price_is_over_nothing() -> None:
    assert matches(replace(examples.answered(), cost_nanousd=1), cost_nanousd_over=0)
    assert not matches(replace(examples.answered(), cost_nanousd=None), cost_nanousd_over=0)


def test_one_and_the_same_placement_must_match_all_that_is_said_of_it() -> None:
    blocked = examples.blocked()
    assert matches(blocked, plugins=("card-*",), actions=("block",))
    assert matches(blocked, would=("would_block",))
    assert not matches(blocked, plugins=("pii-redactor",), actions=("block",))
    assert not matches(blocked, plugins=("card-guard",), would=("would_block",))
    assert not matches(examples.denied(), actions=("block",))


def test_who_asked_and_for_what_narrow_a_rule() -> None:
    record = examples.blocked()
    assert matches(
        record, organisations=("acme",), teams=("sea*",), api_keys=("key-1",), tenants=("tenant-*",)
    )
    assert matches(record, models=("publishers/google/*",))
    assert not matches(record, models=("gpt-*",))
    assert not matches(record, mcp_servers=("*",))
    nobody = replace(record, principal=Principal(), resource=Resource(mcp_server="files"))
    assert not matches(nobody, organisations=("*",))
    assert matches(nobody, mcp_servers=("files",))


def test_every_condition_must_hold() -> None:
    assert not matches(examples.blocked(), outcomes=("blocked",), organisations=("other",))


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"plugins": ("pii-redactor",)},
        {"outcomes": ("refused",)},
        {"actions": ("explode",)},
        {"codes": ("a b",)},
        {"codes": tuple("a" for _ in range(51))},
        {"status_at_least": 99},
        {"cost_nanousd_over": -1},
        {"unknown": 1},
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rule(**wrong)


def test_globs_cost_no_backtracking() -> None:
    hostile = replace(examples.blocked(), code="a" * 96)
    assert not matches(hostile, codes=("*a" * 60 + "b",))
