from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import jsonschema
import pytest
from jsonschema import Draft202012Validator

from penstock.evidence import schema
from penstock.evidence.encoding import encode
from penstock.evidence.record import EvidenceRecord
from tests.evidence import examples

CONTENT = (
    "Please summarise this contract.",
    "jane.doe@example.com",
    "4111111111111111",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "Straße",
    "a\nb",
)


@cache
def published() -> Draft202012Validator:
    """What a reader of evidence would validate with."""
    return Draft202012Validator(schema.json_schema())


@pytest.mark.parametrize("example", examples.EXAMPLES)
def test_every_example_satisfies_the_published_schema(example: Callable[[], EvidenceRecord]) -> None:
    published().validate(json.loads(encode(example())))


def strings(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where every string of a record stands; the keys of its tables too, as `(…, key, "<key>")`."""
    if isinstance(value, str):
        yield place
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, item in members:
        yield from strings(item, (*place, key))


def planted(place: tuple[str | int, ...], text: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(encode(examples.full()))
    inner: Any = record
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = text
    return record


FULL = tuple(strings(json.loads(encode(examples.full()))))


@pytest.mark.parametrize("text", CONTENT)
@pytest.mark.parametrize("place", FULL, ids=lambda place: ".".join(map(str, place)))
def test_no_string_field_admits_content(place: tuple[str | int, ...], text: str) -> None:
    record = planted(place, text)
    with pytest.raises(schema.UnreadableEvidenceError):
        schema.read_record(json.dumps(record))
    with pytest.raises(jsonschema.ValidationError):
        published().validate(record)


def test_the_examples_use_every_string_field_of_every_type() -> None:
    known = {name for part in schema.json_schema()["$defs"].values() for name in part["properties"]}
    used = {str(step) for place in FULL for step in place}
    numbers = {
        *("limit", "attempt", "status", "ms", "segments", "chars", "edits", "order", "calls", "count"),
        *("input_tokens", "output_tokens", "cached", "reasoning"),
        *("total_ms", "overhead_ms", "time_to_first_byte_ms", "gates"),
    }
    other_dialects = {"mcp_server", "mcp_method", "mcp_tool"}
    assert known - used <= numbers | other_dialects


@pytest.mark.parametrize("table", ["tags", "cut"])
@pytest.mark.parametrize("key", CONTENT)
def test_no_key_of_a_table_admits_content(table: str, key: str) -> None:
    record = json.loads(encode(examples.full()))
    record[table] = {key: "cc-1" if table == "tags" else 1}
    with pytest.raises(schema.UnreadableEvidenceError):
        schema.read_record(json.dumps(record))


@pytest.mark.parametrize("number", [4111111111111111, -1, True, "1", 1.5, None])
def test_a_number_is_a_number_within_its_range(number: object) -> None:
    record = json.loads(encode(examples.full()))
    record["usage"]["input_tokens"] = number
    with pytest.raises(schema.UnreadableEvidenceError):
        schema.read_record(json.dumps(record))


def test_a_key_that_the_schema_does_not_know_is_refused_and_not_repeated() -> None:
    record = json.loads(encode(examples.answered())) | {"jane.doe@example.com": 1}
    with pytest.raises(schema.UnreadableEvidenceError) as refusal:
        schema.read_record(json.dumps(record))
    assert "jane" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_refusal_names_the_place_and_the_rule_but_not_the_value() -> None:
    with pytest.raises(schema.UnreadableEvidenceError, match=r"principal\.team") as refusal:
        schema.read_record(json.dumps(planted(("principal", "team"), "a secret sentence")))
    assert "secret" not in str(refusal.value)


def test_nan_is_no_number_of_evidence() -> None:
    body = encode(examples.answered()).replace(b'"total_ms":830.25', b'"total_ms":NaN')
    with pytest.raises(schema.UnreadableEvidenceError):
        schema.read_record(body)


def test_the_schema_text_is_the_schema() -> None:
    assert json.loads(schema.schema_text()) == schema.json_schema()


def test_an_upstream_that_answers_999_can_be_recorded() -> None:
    record = json.loads(encode(examples.answered()))
    record["status"] = record["upstream"][0]["status"] = 999
    assert schema.read_record(json.dumps(record)).status == 999
