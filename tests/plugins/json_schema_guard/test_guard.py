from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import ConfigurationError
from penstock.sdk.testing import Result, harness

FOLDER = Path("plugins/json_schema_guard")
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name"],
    "additionalProperties": False,
}
GOOD, BAD = '{"name": "Jane", "age": 41}', '{"name": 7}'


def asking(schema: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "p", "schema": schema}}}


def run(*texts: str, parameters: dict[str, Any] | None = None, **config: Any) -> Result:
    return harness(FOLDER, config).after(text=texts, request={"parameters": parameters or {}})


def outcome(result: Result) -> str:
    return result.reason or result.action


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD, "allow"),
        (BAD, "schema_mismatch"),
        ("Sure! " + GOOD, "not_json"),
        ("```json\n" + GOOD + "\n```", "not_json"),
        ('{"name": "Jane", "age": NaN}', "not_json"),
        ("[" * 100_000, "not_json"),
        ("", "not_json"),
    ],
)
def test_an_answer_is_held_to_the_schema_of_its_request(text: str, expected: str) -> None:
    assert outcome(run(text, parameters=asking(PERSON))) in {expected, "record"}


def test_every_choice_is_checked() -> None:
    assert outcome(run(GOOD, GOOD, BAD, parameters=asking(PERSON))) == "schema_mismatch"


def test_a_request_that_asks_for_no_json_passes_unread() -> None:
    result = run("Once upon a time")
    assert (result.action, result.recorded) == ("allow", {})


def test_json_of_any_shape_only_has_to_be_json() -> None:
    parameters = {"response_format": {"type": "json_object"}}
    assert run(BAD, parameters=parameters).recorded == {"checked": 1}
    assert outcome(run("no", parameters=parameters)) == "not_json"


@pytest.mark.parametrize("outer", ["text", "output_config"])
def test_the_schemas_of_other_dialects_are_found(outer: str) -> None:
    parameters = {outer: {"format": {"type": "json_schema", "schema": PERSON}}}
    assert outcome(run(BAD, parameters=parameters)) == "schema_mismatch"


def test_the_operators_schema_holds_for_every_answer() -> None:
    config: dict[str, Any] = {"schema": json.dumps(PERSON)}
    assert outcome(run(BAD, **config)) == "schema_mismatch"
    assert run(GOOD, **config).recorded == {"checked": 1}
    loose = asking({"type": "object"})
    assert outcome(run(BAD, parameters=loose, **config)) == "schema_mismatch"


def test_a_requests_schema_can_be_left_alone() -> None:
    assert run(BAD, parameters=asking(PERSON), requests="ignore").action == "allow"


def test_what_does_not_match_can_be_replaced() -> None:
    result = run(GOOD, BAD, parameters=asking(PERSON), on_mismatch="replace", replacement='{"error": 1}')
    assert result.answer == '{"error": 1}'
    assert result.recorded == {"checked": 2, "violations": 1}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"schema": "{"}, "schema"),
        ({"schema": '{"type": 7}'}, "schema"),
        ({"replacement": "sorry"}, "replacement"),
        ({"schema": json.dumps(PERSON), "on_mismatch": "replace", "replacement": "{}"}, "replacement"),
    ],
)
def test_settings_that_cannot_hold_are_refused_when_they_are_read(
    config: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        harness(FOLDER, config)
