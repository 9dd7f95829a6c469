"""The part of JSON Schema (2020-12) that rules for arguments are written in, and nothing beyond it.

A rule that uses what is not here is refused when configuration is read: a keyword that is silently ignored,
as `$ref` or `format` would be, is a rule that does not hold. Nothing is fetched, nothing recurses by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

MAX_DEPTH: Final = 16
# Under a `pattern`, a longer text fails: Python's `re` can take the square of a text's length.
MAX_PATTERN_TEXT: Final = 1_024
_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        not isinstance(value, bool)
        and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
    ),
}
_SILENT: Final = frozenset({"title", "description", "$comment"})
_SUBSCHEMAS: Final = ("not", "items", "additionalProperties")
_LISTS: Final = ("allOf", "anyOf", "oneOf")
_COUNTS: Final = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_KNOWN: Final = frozenset(
    {*_SILENT, *_SUBSCHEMAS, *_LISTS, *_COUNTS, *_BOUNDS}
    | {"type", "enum", "const", "properties", "required", "pattern"}
)


def problem(schema: Any, where: str = "schema", depth: int = 0) -> str | None:
    """What is wrong with a schema, in words; None when nothing is."""
    if isinstance(schema, bool):
        return None
    if not isinstance(schema, Mapping):
        return f"{where} is neither a table nor true or false"
    if depth > MAX_DEPTH:
        return f"{where} nests deeper than {MAX_DEPTH} levels"
    return next(_problems(schema, where, depth), None)


def violation(value: Any, schema: Any, where: str = "arguments") -> str | None:
    """The place of the first thing in `value` that `schema` does not allow; None when it allows all of it.

    Names in it are the schema's; one that only the value has stands as `?`. `schema` is one that `problem`
    has nothing to say about.
    """
    if isinstance(schema, bool):
        return None if schema else where
    return next(_violations(value, schema, where), None)


def _problems(schema: Mapping[str, Any], where: str, depth: int) -> Iterator[str]:
    for name in schema:
        if name not in _KNOWN:
            yield f"{where}: the keyword {name!r} is not one of {', '.join(sorted(_KNOWN - _SILENT))}"
    yield from _value_problems(schema, where)
    inner = [(name, schema[name]) for name in _SUBSCHEMAS if name in schema]
    properties = schema.get("properties", {})
    if not isinstance(properties, Mapping):
        yield f"{where}.properties is no table"
        return
    inner += [(f"properties.{name}", value) for name, value in properties.items()]
    for name in _LISTS:
        listed = schema.get(name, [True])
        if not isinstance(listed, list) or not listed:
            yield f"{where}.{name} is no list of schemas"
            return
        inner += [(f"{name}[{index}]", value) for index, value in enumerate(listed)]
    for name, value in inner:
        if found := problem(value, f"{where}.{name}", depth + 1):
            yield found


def _value_problems(schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if unknown := [name for name in _types(schema) if name not in _TYPES]:
        yield f"{where}.type: {unknown[0]!r} is not one of {', '.join(sorted(_TYPES))}"
    if not isinstance(schema.get("enum", []), list):
        yield f"{where}.enum is no list"
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        yield f"{where}.required is no list of names"
    for name in schema.keys() & {*_COUNTS, *_BOUNDS}:
        is_fit = _TYPES["number" if name in _BOUNDS else "integer"](schema[name])
        if not is_fit or (name in _COUNTS and schema[name] < 0):
            yield f"{where}.{name} is no number, or no whole one"
    if "pattern" in schema:
        try:
            re.compile(schema["pattern"])
        except (re.error, TypeError):
            yield f"{where}.pattern is no regular expression"


def _types(schema: Mapping[str, Any]) -> list[Any]:
    given = schema.get("type", [])
    return given if isinstance(given, list) else [given]


def _violations(value: Any, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    types = _types(schema)
    if types and not any(_TYPES[name](value) for name in types):
        yield where
    if "enum" in schema and not any(_equal(value, item) for item in schema["enum"]):
        yield where
    if "const" in schema and not _equal(value, schema["const"]):
        yield where
    yield from _combined(value, schema, where)
    if isinstance(value, str):
        yield from _of_text(value, schema, where)
    elif isinstance(value, dict):
        yield from _of_object(value, schema, where)
    elif isinstance(value, list):
        yield from _of_array(value, schema, where)
    elif _TYPES["number"](value):
        yield from _of_number(value, schema, where)


def _combined(value: Any, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    for inner in schema.get("allOf", ()):
        if found := violation(value, inner, where):
            yield found
    if "anyOf" in schema and all(violation(value, inner) for inner in schema["anyOf"]):
        yield where
    if "oneOf" in schema and sum(violation(value, inner) is None for inner in schema["oneOf"]) != 1:
        yield where
    if "not" in schema and violation(value, schema["not"]) is None:
        yield where


def _of_text(value: str, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        yield where
    pattern = schema.get("pattern")
    if pattern is not None and (len(value) > MAX_PATTERN_TEXT or re.search(pattern, value) is None):
        yield where


def _of_object(value: dict[str, Any], schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", len(value)):
        yield where
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{where}.{name}"
    for name, inner in properties.items():
        if name in value and (found := violation(value[name], inner, f"{where}.{name}")):
            yield found
    others = schema.get("additionalProperties", True)
    for name in value.keys() - properties.keys():
        if found := violation(value[name], others, f"{where}.?"):
            yield found


def _of_array(value: list[Any], schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield where
    for item in value if "items" in schema else ():
        if found := violation(item, schema["items"], f"{where}[*]"):
            yield found


def _of_number(value: float, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield where
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        yield where
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        yield where


def _equal(one: Any, other: Any) -> bool:
    """JSON's equality: true is not 1, in lists and objects neither."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)
