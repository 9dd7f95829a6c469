from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.json_schema_guard.test_guard import GOOD, asking, outcome, run


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "#/$defs/nowhere"},
        {"type": "no such type"},
        {"description": "x" * 300_000},
        {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
    ],
)
def test_a_schema_that_cannot_be_used_stops_the_answer(schema: Any) -> None:
    assert outcome(run(GOOD, parameters=asking(schema))) == "schema_unusable"


def test_a_schema_without_end_stops_the_answer() -> None:
    schema: Any = {}
    for _ in range(80):
        schema = {"not": schema}
    assert outcome(run(GOOD, parameters=asking(schema))) == "schema_unusable"
