"""JSON and JSON Schema, of which one half is written by callers: bounded, and nothing is fetched for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn, Protocol

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable

# A schema is compared with every part of an answer under the deadline. OpenAI takes 5,000 properties and 10
# levels, and 120,000 characters of names (structured outputs guide); as text that is about this much.
MAX_SCHEMA_CHARS: Final = 262_144
MAX_SCHEMA_DEPTH: Final = 64


class UnusableError(Exception):
    """A schema that cannot be used."""


class Validator(Protocol):
    """What is asked of a schema."""

    def is_valid(self, instance: Any) -> bool: ...


class _Schema:
    """One schema, checked. A reference that leads nowhere shows only when it is followed."""

    def __init__(self, schema: Any) -> None:
        # With a registry of its own the library fetches nothing: it would follow `$ref` to any URL.
        self._validator = Draft202012Validator(schema, registry=Registry())

    def is_valid(self, instance: Any) -> bool:
        """Raises UnusableError when the schema refers to what is not in it, or to itself without end."""
        try:
            return bool(self._validator.is_valid(instance))
        except (Unresolvable, RecursionError) as error:
            raise UnusableError("it refers to what it does not hold") from error


def loaded(text: str) -> Any:
    """`text` as JSON. Raises ValueError: no JSON, also for NaN and Infinity, or nested too deep."""
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deep") from None


def is_json(text: str) -> bool:
    """Whether `text` is JSON."""
    try:
        loaded(text)
    except ValueError:
        return False
    return True


def validator_of(schema: Any) -> Validator:
    """Raises UnusableError for a schema that is too large, too deep, or none."""
    if _depth(schema) > MAX_SCHEMA_DEPTH or len(json.dumps(schema)) > MAX_SCHEMA_CHARS:
        raise UnusableError("it is too large or too deep")
    try:
        Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError):
        raise UnusableError("it is no JSON Schema of draft 2020-12") from None
    return _Schema(schema)


def asked_schema(parameters: Mapping[str, Any]) -> Any | None:
    """The schema that a request wants its answer to match; None when it names none.

    OpenAI: `response_format.json_schema.schema`, `text.format.schema`. Anthropic:
    `output_config.format.schema`.
    """
    named = _at(parameters, "response_format", "json_schema", "schema")
    for outer in ("text", "output_config"):
        if named is None and _at(parameters, outer, "format", "type") == "json_schema":
            named = _at(parameters, outer, "format", "schema")
    return plain(named)


def asks_json(parameters: Mapping[str, Any]) -> bool:
    """Whether a request wants JSON at all, of a schema or of any shape."""
    kinds = {
        _at(parameters, "response_format", "type"),
        _at(parameters, "text", "format", "type"),
        _at(parameters, "output_config", "format", "type"),
    }
    return bool(kinds & {"json_object", "json_schema"})


def plain(value: Any) -> Any:
    """A view's read-only JSON as dicts and lists, which the library knows."""
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, tuple) else value


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _depth(value: Any, most: int = MAX_SCHEMA_DEPTH + 1) -> int:
    if most == 0 or not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max((_depth(each, most - 1) for each in inner), default=0)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
