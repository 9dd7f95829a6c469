from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from penstock.dialects import rawjson
from penstock.dialects.member_edits import metadata_splices, tool_edits
from penstock.dialects.splicing import Splice, splice
from penstock.sdk.edits import REMOVED, MemberEdit

TREE: dict[str, Any] = {"model": "m", "metadata": {"a": "1", "b": "2"}}


def applied(splices: list[Splice], tree: Any) -> Any:
    return rawjson.parse(splice(rawjson.dumps(tree), splices))


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [({"a": "1", "b": "2"}, {"b": "9", "c": "3"}), ({}, {"b": "9", "c": "3"}), (None, {"b": "9", "c": "3"})],
)
def test_metadata_is_made_when_there_is_none(metadata: Any, expected: Any) -> None:
    edits = [
        MemberEdit("request.metadata", name, value)
        for name, value in (("b", "9"), ("c", "3"), ("a", REMOVED))
    ]
    tree = {**TREE, "metadata": metadata}
    assert applied(metadata_splices(tree, edits), tree)["metadata"] == expected
    del tree["metadata"]
    assert applied(metadata_splices(tree, edits), tree)["metadata"] == expected


def test_removing_from_metadata_that_is_not_there_changes_nothing() -> None:
    assert metadata_splices({}, [MemberEdit("request.metadata", "a", REMOVED)]) == []


def named(definition: Mapping[str, Any]) -> str:
    return str(definition.get("name"))


def tool(name: str, value: object = REMOVED) -> MemberEdit:
    return MemberEdit("request.tools", name, value)


def test_tools_that_go_are_told_from_those_that_are_set() -> None:
    assert tool_edits([tool("a"), tool("b", {"name": "b"})], named) == ({"a"}, {"b": {"name": "b"}})


@pytest.mark.parametrize(
    "edits", [[tool("a"), tool("a", {"name": "a"})], [tool("a", {"name": "b"})], [tool("a", "a")]]
)
def test_edits_of_tools_that_contradict_each_other_or_themselves_are_refused(edits: list[MemberEdit]) -> None:
    with pytest.raises(ValueError, match="tool"):
        tool_edits(edits, named)
