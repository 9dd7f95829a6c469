from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects.anthropic import blocks
from penstock.dialects.splicing import Drop, Path


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (("content", 0, "text"), ("content", 0)),
        (("content", 0), ("content", 0)),
        (("messages", 1, "content", 2, "content", 0, "text"), ("messages", 1, "content", 2)),
        (("messages", 1, "content"), None),
        (("messages", 1, "role"), None),
        (("content",), None),
        (("system", 0, "text"), None),
    ],
)
def test_the_block_of_a_place_is_the_outermost(at: Path, expected: Path | None) -> None:
    assert blocks.block_at(at) == expected


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"signature": "EqQB"}, True),
        ({"encrypted_content": "EqQB"}, True),
        ({"signature": ""}, False),
        ({"signature": None}, False),
        ({"data": "EqQB"}, False),
    ],
)
def test_a_seal_is_one_when_it_says_something(block: dict[str, Any], expected: bool) -> None:
    assert blocks.is_sealed(block) is expected


def test_of_a_result_that_is_no_list_the_whole_goes_and_of_its_files_only_the_file() -> None:
    ran = {"content": {"stdout": "x", "content": [{"file_id": "f"}]}}
    tree = {"content": [ran, {"content": [{"title": "t"}]}, {"content": "text"}, {"text": "t"}]}
    for at, expected in (
        (("content", 0, "content", "stdout"), ("content", 0)),
        (
            ("content", 0, "content", "content", 0, "file_id"),
            ("content", 0, "content", "content", 0, "file_id"),
        ),
        (("content", 1, "content", 0, "title"), ("content", 1, "content", 0, "title")),
        (("content", 2, "content"), ("content", 2, "content")),
        (("content", 3, "text"), ("content", 3, "text")),
        (("stop_sequence",), ("stop_sequence",)),
    ):
        assert blocks.unit_of(tree, at) == expected


def use(identity: str, kind: str = "tool_use") -> dict[str, str]:
    return {"type": kind, "id": identity}


def result(identity: str) -> dict[str, str]:
    return {"type": "tool_result", "tool_use_id": identity}


def listed(*each: dict[str, str]) -> list[blocks.Blocks]:
    return [blocks.Blocks(("content",), list(each))]


def test_only_what_has_lost_its_other_half_is_left_alone() -> None:
    before = listed(use("a"), result("a"), use("b"), result("c"), use("d", "mcp_tool_use"), result("d"))
    assert blocks.left_alone(before, before) == []
    after = listed(result("a"), use("b"), result("c"), use("d", "mcp_tool_use"))
    assert blocks.left_alone(before, after) == [("content", 0), ("content", 3)]


def test_a_message_goes_with_its_last_block_and_an_answer_stays() -> None:
    tree = {"messages": [{"content": [{}, {}]}, {"content": [{}]}], "content": [{}]}
    gone: list[Path] = [("messages", 0, "content", 0), ("messages", 1, "content", 0)]
    assert blocks.without_blocks(tree, gone) == [Drop(gone[0]), Drop(("messages", 1))]
    assert blocks.without_blocks(tree, [("content", 0)]) == [Drop(("content", 0))]
    with pytest.raises(ValueError, match="without any message"):
        blocks.without_blocks(tree, [("messages", 0, "content", 1), *gone])


def test_a_message_that_was_empty_before_may_stay_so() -> None:
    before = {
        "messages": [{"content": ""}, {"content": "x"}, {"content": [{"text": "y"}]}, {"content": None}, {}]
    }
    after = {"messages": [{"content": ""}, {"content": ""}, {"content": []}, {"content": None}, {}]}
    assert blocks.tidying(before, after) == [Drop(("messages", 1)), Drop(("messages", 2))]
