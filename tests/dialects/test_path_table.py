from __future__ import annotations

import pytest

from penstock.dialects.path_table import Rule, compiled

A, B = Rule("field", "a"), Rule("field", "b")


@pytest.mark.parametrize(
    "paths", [("x[role=user].a", "x[type=text].b"), ("x{role=user}.a", "x{type=text}.b")]
)
def test_what_is_told_apart_by_two_members_is_refused(paths: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="choose one"):
        compiled((path, A) for path in paths)


@pytest.mark.parametrize("path", ["a b", "a[0]", "a{type}", "a[role=]", ""])
def test_what_is_not_of_the_language_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        compiled([(f"{path}?", A)])


def test_places_that_the_same_paths_lead_to_are_one_state() -> None:
    root = compiled([("a.**", A), ("b{kind=x}.c", B)]).root
    deep = root.names["a"]
    assert deep.other is deep.other.other
    assert deep.element is deep.other
    known = root.names["b"].itself({"kind": "x"})
    assert known.itself({"kind": "x"}) is known
    assert known.names["c"].rule == B
    assert root.names["b"].itself({"kind": "y"}) is root.names["b"]


def test_the_names_of_a_table_and_what_tells_places_apart_are_known() -> None:
    table = compiled([("a[role=user].b", A), ("c{kind=x}.'d.e'", B)])
    assert table.names == {"a", "b", "c", "d.e"}
    assert table.keys - {None} == {"role", "kind"}


def test_a_table_of_many_kinds_is_no_larger_than_they_are() -> None:
    kinds = [f"k{number}" for number in range(200)]
    root = compiled((f"a{{kind={kind}}}.{kind}.text", A) for kind in kinds).root
    for kind in kinds:
        assert set(root.names["a"].itself({"kind": kind}).names) == {kind}
