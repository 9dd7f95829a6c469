"""Which tools a key may see and call: blocked wins, everything must agree, nothing is open by itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.mcp.names import NamePatterns
from penstock.mcp.rules import ArgumentRule, ToolAccess, ToolGrant, ToolRules

PINNED = {"read_file": "sha256:1", "delete_file": "sha256:2"}


def access(*grants: ToolGrant, **rules: Any) -> ToolAccess:
    for name in ("allowed", "blocked"):
        if name in rules:
            rules[name] = NamePatterns.of(rules[name])
    return ToolAccess(ToolRules(**{"pins": PINNED, **rules}), grants or (ToolGrant.of(None, ()),))


def test_an_approved_tool_of_a_granted_server_passes() -> None:
    assert access().refusal("read_file") is None


def test_a_server_without_a_grant_has_no_tools() -> None:
    assert ToolAccess(ToolRules(pins=PINNED), ()).refusal("read_file") == "not_granted"


def test_a_tool_that_nobody_approved_is_not_there() -> None:
    assert access().refusal("write_file") == "not_approved"
    assert access().refusal("Read_File") == "not_approved"


@pytest.mark.parametrize("spelling", ["delete_file", "Delete_File", "DELETE_FILE"])
def test_blocked_wins_whoever_blocks_and_however_it_is_spelt(spelling: str) -> None:
    everything = {"allowed": ["*"], "pin": "off"}
    assert access(blocked=["delete_*"], **everything).refusal(spelling) == "blocked"
    wide, narrow = ToolGrant.of(["*"], ()), ToolGrant.of(["read_*"], ["Delete_*"])
    assert access(wide, narrow, **everything).refusal(spelling) == "blocked"


def test_grants_add_up_and_stay_within_what_the_server_allows() -> None:
    grants = (ToolGrant.of(["read_*"], ()), ToolGrant.of(["list_*"], ()))
    rules = access(*grants, allowed=["read_*", "delete_*"], pin="off")
    assert rules.refusal("read_file") is None
    assert rules.refusal("list_files") == "not_allowed"
    assert rules.refusal("delete_file") == "not_granted"


def test_letters_that_only_look_alike_pass_only_by_name() -> None:
    cyrillic = "reаd_file"
    assert access(allowed=["*"], pin="off").refusal(cyrillic) == "ambiguous"
    assert access(allowed=[cyrillic], pin="off").refusal(cyrillic) is None


def test_an_approved_name_in_another_spelling_is_no_other_tool() -> None:
    assert access(pin="known").refusal("Read_File") == "changed"
    assert access(pin="known").refusal("write_file") is None


@pytest.mark.parametrize(
    ("pin", "name", "digest", "reason"),
    [
        ("required", "read_file", "sha256:1", None),
        ("required", "read_file", "sha256:9", "changed"),
        ("required", "write_file", "sha256:9", "not_approved"),
        ("known", "read_file", "sha256:9", "changed"),
        ("known", "write_file", "sha256:9", None),
        ("off", "read_file", "sha256:9", None),
    ],
)
def test_a_definition_is_what_was_approved(pin: str, name: str, digest: str, reason: str | None) -> None:
    assert access(pin=pin).definition_refusal(name, digest) == reason


def test_arguments_must_fit_every_rule_for_the_tool() -> None:
    rules = (
        ArgumentRule(NamePatterns.of(["read_*"]), {"required": ["path"]}),
        ArgumentRule(NamePatterns.of(["*"]), {"properties": {"path": {"pattern": "^/srv/"}}}),
    )
    checked = access(arguments=rules)
    assert checked.violation("read_file", {"path": "/srv/a"}) is None
    assert checked.violation("READ_FILE", {}) == "arguments.path"
    assert checked.violation("delete_file", {}) is None
    assert checked.violation("delete_file", {"path": "/etc"}) == "arguments.path"


NAMES = st.sampled_from(["read_file", "Read_File", "delete_file", "list", "*", "read_*", "*_file"])
LISTS = st.lists(NAMES, max_size=3)


@given(LISTS, LISTS, LISTS, LISTS, st.sampled_from(["read_file", "DELETE_FILE", "list"]))
def test_one_more_block_or_one_allowed_less_never_opens_a_tool(
    allowed: list[str], blocked: list[str], granted: list[str], more: list[str], name: str
) -> None:
    def passes(allowed: list[str], blocked: list[str], granted: list[str]) -> bool:
        grant = ToolGrant.of(granted, ())
        return access(grant, allowed=allowed, blocked=blocked, pin="off").refusal(name) is None

    if passes(allowed, [*blocked, *more], granted) or passes(allowed[1:], blocked, granted[1:]):
        assert passes(allowed, blocked, granted)
