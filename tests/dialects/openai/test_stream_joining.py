from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects.openai.stream_joining import Joining


def joined(*deltas: dict[str, Any]) -> dict[str, Any]:
    whole = Joining()
    for delta in deltas:
        whole.add(delta)
    return whole.whole()


def test_texts_and_lists_grow_and_objects_by_their_members() -> None:
    deltas = ({"a": "x", "b": [1], "c": {"d": "y"}}, {"a": "z", "b": [2], "c": {"d": "!", "e": 1}})
    assert joined(*deltas) == {"a": "xz", "b": [1, 2], "c": {"d": "y!", "e": 1}}


def test_null_adds_nothing_and_is_kept_where_nothing_else_came() -> None:
    assert joined({"a": None, "b": "x", "c": None}, {"a": "y", "b": None, "c": None}) == {
        "a": "y",
        "b": "x",
        "c": None,
    }


def test_numbers_and_what_changes_its_type_are_the_last_ones() -> None:
    assert joined({"a": 1, "b": "x", "c": [1]}, {"a": 2, "b": 3, "c": "y"}) == {"a": 2, "b": 3, "c": "y"}


@pytest.mark.parametrize("name", ["id", "type", "role", "format"])
def test_what_is_said_once_is_not_strung_together_when_it_is_repeated(name: str) -> None:
    assert joined({name: ""}, {name: "one"}, {name: "one"}, {name: "two"}) == {name: "one"}


def test_a_name_comes_in_pieces_or_is_repeated() -> None:
    assert joined({"name": "get_"}, {"name": "weather"}) == {"name": "get_weather"}
    assert joined({"name": "find"}, {"name": "find"}, {"name": ""}) == {"name": "find"}


def test_what_is_added_stays_as_it_was() -> None:
    first: dict[str, Any] = {"a": [1], "b": {"c": [2]}}
    joined(first, {"a": [3], "b": {"c": [4], "d": 5}})
    assert first == {"a": [1], "b": {"c": [2]}}


def test_the_whole_so_far_can_be_asked_for_and_grows_on() -> None:
    whole = Joining()
    assert not whole
    whole.add({"a": "x"})
    assert whole.whole() == {"a": "x"}
    whole.add({"a": "y"})
    assert (bool(whole), whole.whole()) == (True, {"a": "xy"})
