from __future__ import annotations

import pytest

from penstock.dialects.removing import Removals
from penstock.dialects.splicing import INSIDE, Drop, Put

TREE = {"turns": [{"parts": [{"url": "a"}, {"url": "b"}], "tags": ["x", "y"]}], "held": '{"a":"b"}'}
REMOVALS = Removals(
    (("turns[*].parts[*]", "drop"), ("turns[*].parts", "blank"), ("held", "no_arguments"), ("id", "never"))
)


def test_what_no_table_names_goes_by_itself() -> None:
    assert REMOVALS.plan(TREE, [("turns", 0, "tags", 1)]) == [Drop(("turns", 0, "tags", 1))]


def test_a_unit_goes_whole_and_once() -> None:
    plan = REMOVALS.plan(TREE, [("turns", 0, "parts", 1, "url"), ("turns", 0, "parts", 1, "name")])
    assert plan == [Drop(("turns", 0, "parts", 1))]


def test_an_array_that_loses_every_element_is_taken_out_as_its_table_says() -> None:
    parts = [("turns", 0, "parts", index, "url") for index in (0, 1)]
    tags = [("turns", 0, "tags", index) for index in (0, 1)]
    assert REMOVALS.plan(TREE, parts) == [Put(("turns", 0, "parts"), "")]
    assert REMOVALS.plan(TREE, tags) == [Drop(("turns", 0, "tags"))]


def test_what_is_inside_of_a_string_goes_alone_unless_it_is_the_whole() -> None:
    assert REMOVALS.plan(TREE, [("held", INSIDE, "a")]) == [Drop(("held", INSIDE, "a"))]
    assert REMOVALS.plan(TREE, [("held", INSIDE)]) == [Put(("held",), "{}")]


def test_what_the_body_cannot_go_on_without_is_an_error() -> None:
    with pytest.raises(ValueError, match="cannot go on"):
        REMOVALS.plan(TREE, [("turns", 0, "tags", 1), ("id",)])


def test_an_array_that_the_body_needs_does_not_lose_every_element() -> None:
    removals = Removals((("turns[*].parts[*]", "drop"), ("turns", "never")))
    parts = [("turns", 0, "parts", index, "url") for index in (0, 1)]
    assert removals.plan(TREE, parts[:1]) == [Drop(("turns", 0, "parts", 0))]
    with pytest.raises(ValueError, match="cannot go on"):
        removals.plan(TREE, parts)


def test_what_is_emptied_stays_what_it_is() -> None:
    tree = {"text": "a", "list": ["a", "b"], "object": {"name": {"of": "a"}}}
    removals = Removals(tuple((name, "empty") for name in tree))
    assert removals.plan(tree, [("text",)]) == [Put(("text",), "")]
    assert removals.plan(tree, [("list", 0)]) == [Put(("list",), [])]
    assert removals.plan(tree, [("object", "name", "of")]) == [Put(("object",), {})]
