"""The record's schema: validation of what came over a queue, and the published JSON Schema.

Only background functions and tools import this: building the validators takes about 100 ms.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from penstock.errors import PenstockError
from penstock.evidence.record import SCHEMA, EvidenceRecord, Part

PartT = TypeVar("PartT", bound=Part)


class UnreadableEvidenceError(PenstockError):
    """What should be evidence is not. Says where and which rule, never what stands there."""

    code = "evidence_unreadable"


def decode(kind: type[PartT], body: bytes | str) -> PartT:
    """A part of evidence from its JSON. Raises UnreadableEvidenceError for what its types do not admit."""
    try:
        part: PartT = _validator(kind).validate_json(body)  # type: ignore[arg-type]  # a class is hashable
        return part
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        # The place is named by our own fields; a key that is not ours could be anything.
        place = ".".join(str(step) if _is_ours(step) else "?" for step in first["loc"]) or "the whole"
        raise UnreadableEvidenceError(
            f"{kind.__name__}: {place} breaks the rule {first['type']!r}."
        ) from None


def read_record(body: bytes | str) -> EvidenceRecord:
    """The record in `body`."""
    return decode(EvidenceRecord, body)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the record, with every type that it is made of."""
    schema = _validator(EvidenceRecord).json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA.replace('/', ':')}",
        **schema,
        "title": SCHEMA,
    }


def schema_text() -> str:
    """`docs/evidence.schema.json`."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


@cache
def _validator(kind: type[PartT]) -> TypeAdapter[PartT]:
    return TypeAdapter(kind)


@cache
def _our_names() -> frozenset[str]:
    return frozenset(_property_names(json_schema()))


def _property_names(schema: object) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(_property_names, schema))
    if not isinstance(schema, dict):
        return set()
    named = schema.get("properties", {})
    return set(named).union(*map(_property_names, schema.values()))


def _is_ours(step: int | str) -> bool:
    return isinstance(step, int) or step in _our_names()
