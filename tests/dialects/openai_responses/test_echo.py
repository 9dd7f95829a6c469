from __future__ import annotations

from typing import Any

from penstock.dialects.openai_responses.echo import Echo, strings_of
from penstock.dialects.openai_responses.paths import response_matcher

REQUEST = {
    "instructions": "Be kind.",
    "metadata": {"to jane doe": "jane", "n": 4111111111111111},
    "tools": [{"type": "mcp", "server_label": "x", "authorization": "Bearer jane"}],
}


def left(answer: dict[str, Any], request: Any = REQUEST) -> tuple[list[str], list[str]]:
    found = Echo(request).without(response_matcher().classify(answer), answer)
    texts = [value for each in found.fields.values() for value in each.values]
    return texts, [kind for kind, _here in found.hidden]


def test_what_the_request_said_counts_as_nothing_where_it_is_repeated() -> None:
    assert left(dict(REQUEST)) == ([], [])
    assert left(dict(REQUEST), None) == (["Be kind.", "jane", "4111111111111111"], ["key", "opaque"])


def test_what_it_did_not_say_is_a_text_like_any_other() -> None:
    assert left({"instructions": "Be unkind.", "metadata": {"x": "Be kind"}})[0] == ["Be unkind.", "Be kind"]


def test_elsewhere_the_same_words_are_the_answers_own() -> None:
    part = {"type": "output_text", "text": "Be kind."}
    answer = {"output": [{"type": "message", "content": [part]}], "error": {"message": "jane"}}
    assert left(answer)[0] == ["Be kind.", "jane"]


def test_an_answer_may_stand_below_something() -> None:
    event = {"response": {"instructions": "Be kind."}, "instructions": "Be kind."}
    found = response_matcher().classify(event["response"])
    kept = Echo(REQUEST).without(found, event["response"])
    assert kept.fields["response.text"].values == []
    outside = response_matcher().classify(event)
    assert Echo(REQUEST).without(outside, event, ("response",)).fields["response.text"].values == ["Be kind."]


def test_the_strings_of_a_request_are_its_values_its_names_and_its_numbers() -> None:
    assert set(strings_of({"a": ["b", 1, 2.5, 3.0, None, True, {"c": {}}]})) == {
        "a",
        "b",
        "1",
        "2.5",
        "3",
        "c",
    }
