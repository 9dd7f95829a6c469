"""The rules for arguments hold, and a rule that would not is refused when it is read."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.mcp.schema import problem, violation

SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-3, 3) | st.text("ab", max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.sampled_from("abc"), v, max_size=3),
    max_leaves=6,
)
NUMBERS = st.integers(-3, 3)


def schemas() -> st.SearchStrategy[Any]:
    leaf = st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["string", "integer", "number", "object", "array", "boolean", "null"]),
            "enum": st.lists(SCALARS, min_size=1, max_size=3),
            "const": SCALARS,
            "minimum": NUMBERS,
            "exclusiveMaximum": NUMBERS,
            "minLength": st.integers(0, 2),
            "maxLength": st.integers(0, 2),
            "pattern": st.sampled_from(["^a", "b$", "a.b"]),
            "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
            "minItems": st.integers(0, 2),
        },
    )
    return st.recursive(
        leaf | st.booleans(),
        lambda s: st.fixed_dictionaries(
            {},
            optional={
                "properties": st.dictionaries(st.sampled_from("abc"), s, max_size=2),
                "additionalProperties": s,
                "items": s,
                "not": s,
                "allOf": st.lists(s, min_size=1, max_size=2),
                "anyOf": st.lists(s, min_size=1, max_size=2),
                "oneOf": st.lists(s, min_size=1, max_size=2),
            },
        ),
        max_leaves=6,
    )


@given(VALUES, schemas())
def test_the_answer_is_that_of_a_whole_validator(value: Any, schema: Any) -> None:
    assert problem(schema) is None
    validator = jsonschema.Draft202012Validator(schema)
    assert (violation(value, schema) is None) == validator.is_valid(value)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "https://example.com/schema"}, "keyword '\\$ref'"),
        ({"properties": {"a": {"format": "email"}}}, "schema.properties.a: the keyword 'format'"),
        ({"type": "text"}, "schema.type: 'text'"),
        ({"anyOf": []}, "no list of schemas"),
        ({"pattern": "("}, "no regular expression"),
        ({"maxLength": -1}, "maxLength"),
        ({"maxLength": 1.5}, "maxLength"),
        ({"minimum": "1"}, "minimum"),
        ({"required": "a"}, "required"),
        ({"properties": []}, "no table"),
        ({"enum": "a"}, "enum"),
        ("text", "neither a table"),
    ],
)
def test_what_would_silently_not_hold_is_refused(schema: Any, words: str) -> None:
    found = problem(schema)
    assert found is not None
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(found)


def test_a_schema_has_a_bottom() -> None:
    deep: Any = {}
    for _ in range(20):
        deep = {"not": deep}
    assert "deeper" in str(problem(deep))


def test_the_place_is_told_without_a_word_of_the_callers() -> None:
    schema = {
        "properties": {
            "path": {"type": "string", "pattern": "^/srv/"},
            "list": {"items": {"type": "integer"}},
        },
        "additionalProperties": False,
        "required": ["path"],
    }
    assert violation({"path": "/srv/x"}, schema) is None
    assert violation({"path": "/etc/passwd"}, schema) == "arguments.path"
    assert violation({}, schema) == "arguments.path"
    assert violation({"path": "/srv/x", "list": [1, "secret"]}, schema) == "arguments.list[*]"
    assert violation({"path": "/srv/x", "my secret": 1}, schema) == "arguments.?"


def test_a_pattern_is_not_tried_on_a_text_that_could_take_it_long() -> None:
    assert violation("a" * 1024, {"pattern": "a"}) is None
    assert violation("a" * 1025, {"pattern": "a"}) == "arguments"
