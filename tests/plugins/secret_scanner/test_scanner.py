from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import ConfigurationError
from penstock.sdk.testing import Harness, Result, harness
from plugins.secret_scanner.rules import RULES
from plugins.secret_scanner.scanner import REQUEST_FIELDS, RESPONSE_FIELDS
from tests.plugins.secret_scanner.corpus import A36, ASSIGNED, FOUND, HEX32, JWT, KEY_ID, PEM, Row

FOLDER = Path("plugins/secret_scanner")
TOKEN = "gh" + f"p_{A36}"
OTHER = "npm" + f"_{A36}"


def scanner(allowed: tuple[str, ...] = (), **rules: str) -> Harness:
    digests = [sha256(value.encode()).hexdigest() for value in allowed]
    return harness(FOLDER, {"rules": rules, "allowed_sha256": digests})


def outcome(result: Result) -> tuple[str, str | None]:
    return result.action, result.reason


@pytest.mark.parametrize("row", FOUND, ids=lambda row: f"{row.rule}: {row.text[:12]}")
def test_a_credential_stops_a_request_and_an_answer(row: Row) -> None:
    reason = RULES[row.rule].family.reason
    assert outcome(scanner().before(user=f"Look: {row.text}")) in {("block", reason), ("block", "cloud_key")}
    assert outcome(scanner().after(text=row.text)) == outcome(scanner().before(user=row.text))


@pytest.mark.parametrize(
    "values",
    [
        {"system": TOKEN},
        {"user": ["hello", f"use {TOKEN}"]},
        {"assistant": TOKEN},
        {"tool": TOKEN},
        {"tools": [{"type": "function", "function": {"name": "f", "description": TOKEN}}]},
        {"tool_calls": [TOKEN]},
        {"mcp_arguments": ["a", TOKEN]},
        {"metadata": {"note": TOKEN}},
        {"metadata": {TOKEN: "note"}},
        {"parameters": {"stop": ["a", TOKEN]}},
        {"parameters": {"response_format": {"schema": {"const": TOKEN}}}},
    ],
)
def test_every_place_of_a_request_is_looked_at(values: Any) -> None:
    assert outcome(scanner().before(**values)) == ("block", "developer_token")


@pytest.mark.parametrize(
    "values",
    [{"text": ["a", TOKEN]}, {"reasoning": TOKEN}, {"tool_calls": [TOKEN]}, {"mcp_result": ["a", TOKEN]}],
)
def test_every_place_of_an_answer_is_looked_at(values: Any) -> None:
    assert outcome(scanner().after(**values)) == ("block", "developer_token")


def test_what_holds_none_passes() -> None:
    result = scanner().before(user="What is a GitHub token?", parameters={"seed": 4, "stop": None})
    assert (outcome(result), result.recorded) == (("allow", None), {})


def test_finds_are_counted_by_family() -> None:
    result = scanner().before(user=[f"{TOKEN} {OTHER}", PEM], tool=f"{KEY_ID} {JWT}")
    assert outcome(result) == ("block", "developer_token")
    assert result.recorded == {"developer_tokens": 2, "private_keys": 1, "cloud_keys": 1, "web_tokens": 1}


def test_a_credential_that_two_rules_tell_is_counted_once() -> None:
    result = scanner().before(user=f"Authorization: Bearer {TOKEN}")
    assert result.recorded == {"authorization_headers": 1}


def test_a_rule_may_only_record() -> None:
    result = scanner(github="record").before(user=TOKEN)
    assert (outcome(result), result.recorded) == (("record", None), {"developer_tokens": 1})
    assert outcome(scanner(github="record").before(user=f"{TOKEN} {OTHER}")) == ("block", "developer_token")


def test_a_rule_that_records_does_not_hide_one_that_blocks() -> None:
    text = f"Authorization: Bearer {TOKEN}"
    assert outcome(scanner(authorization_header="record").before(user=text)) == ("block", "developer_token")


def test_a_rule_that_is_off_is_not_looked_for() -> None:
    result = scanner(github="off").before(user=TOKEN)
    assert (outcome(result), result.recorded) == (("allow", None), {})


def test_an_allowed_value_passes_and_is_not_counted() -> None:
    result = scanner(allowed=(TOKEN,)).before(user=TOKEN)
    assert (outcome(result), result.recorded) == (("allow", None), {})
    assert outcome(scanner(allowed=(TOKEN,)).before(user=f"{TOKEN} {OTHER}")) == ("block", "developer_token")


def test_named_values_are_looked_for_when_they_are_asked_for() -> None:
    text = ASSIGNED[0].text
    assert outcome(scanner().before(user=text)) == ("allow", None)
    assert outcome(scanner(assigned_secret="block").before(user=text)) == ("block", "assigned_secret")


@pytest.mark.parametrize("field", [*REQUEST_FIELDS, *RESPONSE_FIELDS])
def test_a_smaller_grant_works(field: str) -> None:
    run = harness(FOLDER, without=[field])
    result = (run.before if field in REQUEST_FIELDS else run.after)()
    assert (result.action, result.refused) == ("allow", ())


@pytest.mark.parametrize(
    "config",
    [
        {"rules": {"gitea": "block"}},
        {"rules": {"github": "mask"}},
        {"allowed_sha256": [TOKEN]},
        {"allowed_sha256": [HEX32]},
        {"allow": []},
    ],
)
def test_settings_that_mean_nothing_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        harness(FOLDER, config)
    assert TOKEN not in str(raised.value)
