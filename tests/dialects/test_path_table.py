from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from penstock.dialects.anthropic import paths as anthropic
from penstock.dialects.anthropic import stream_paths as anthropic_events
from penstock.dialects.mcp import paths as mcp
from penstock.dialects.openai import embeddings, stream_paths
from penstock.dialects.openai import paths as openai
from penstock.dialects.openai_responses import paths as responses
from penstock.dialects.openai_responses import stream_paths as response_events
from penstock.dialects.path_table import Rule, State, compiled

A, B = Rule("field", "a"), Rule("field", "b")
WHOLE = (openai, responses, anthropic, mcp, embeddings)
TABLES = [
    *(table for door in WHOLE for table in (door.request_table, door.response_table)),
    stream_paths.chunk_table,
    response_events.event_table,
    anthropic_events.event_table,
]


@pytest.mark.parametrize(
    "paths", [("x[role=user].a", "x[type=text].b"), ("x{role=user}.a", "x{type=text}.b")]
)
def test_what_is_told_apart_by_two_members_is_refused(paths: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="choose one"):
        compiled((path, A) for path in paths).states()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table.__module__}.{table.__name__}")
def test_no_path_of_a_table_contradicts_another(table: Callable[[], Iterable[tuple[str, Rule]]]) -> None:
    assert len(compiled(table()).states()) > 5


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
    assert table.keys == {"role", "kind"}


def test_a_state_is_made_when_a_body_has_a_place_for_it() -> None:
    root = compiled([("a.b.c", A), ("d", B)]).root
    assert _made(root) == set()
    assert root.names["a"].rule is None
    assert _made(root) == {"a", "d"}
    assert _made(root.names["a"]) == set()


def test_a_state_has_no_attribute_but_its_own() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = compiled([("a", A)]).root.nothing  # type: ignore[attr-defined]  # what is asked


def test_a_table_of_many_kinds_is_no_larger_than_they_are() -> None:
    kinds = [f"k{number}" for number in range(200)]
    root = compiled((f"a{{kind={kind}}}.{kind}.text", A) for kind in kinds).root
    for kind in kinds:
        assert set(root.names["a"].itself({"kind": kind}).names) == {kind}


def _made(state: State) -> set[str]:
    """Names below that have states; asking for them by the descriptor makes none."""
    try:
        return set(State.__dict__["names"].__get__(state))
    except AttributeError:
        return set()
