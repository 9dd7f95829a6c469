from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.dev.echo_answers import BIG_INTEGER, completion, error, models
from penstock.dev.echo_directives import asked

TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}]


def answer(text: str = "hello there", **members: Any) -> dict[str, Any]:
    body = {"model": "echo", "messages": [{"role": "user", "content": text}], **members}
    return completion(body, asked(body, None), json.dumps(body).encode())


def message(text: str = "hello there", **members: Any) -> dict[str, Any]:
    found: dict[str, Any] = answer(text, **members)["choices"][0]["message"]
    return found


def test_it_says_what_it_was_told() -> None:
    assert message()["content"] == "You said: hello there"


def test_the_same_request_has_the_same_answer_and_another_another_id() -> None:
    assert answer() == answer()
    assert answer()["id"] != answer("something else")["id"]


def test_usage_counts_words() -> None:
    usage = answer()["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (2, 4, 6)


def test_n_asks_for_several_choices() -> None:
    choices = answer(n=3)["choices"]
    assert [choice["index"] for choice in choices] == [0, 1, 2]
    assert len({choice["message"]["content"] for choice in choices}) == 3


def test_a_line_of_the_message_calls_a_tool_and_several_lines_call_several() -> None:
    got = answer('call:look_up {"a": 1}\ncall:look_up {"a": 2}', tools=TOOLS)["choices"][0]
    arguments = [call["function"]["arguments"] for call in got["message"]["tool_calls"]]
    assert arguments == ['{"a": 1}', '{"a": 2}']
    assert got["finish_reason"] == "tool_calls"
    assert got["message"]["content"] is None
    assert len({call["id"] for call in got["message"]["tool_calls"]}) == 2


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "look_up"}}])
def test_a_forced_tool_is_called(choice: Any) -> None:
    (call,) = message(tools=TOOLS, tool_choice=choice)["tool_calls"]
    assert call["function"]["name"] == "look_up"
    assert json.loads(call["function"]["arguments"]) == {"you_said": "hello there"}


def test_without_tools_nothing_is_called() -> None:
    assert "tool_calls" not in message('call:look_up {"a": 1}')


def test_logprobs_repeat_the_text_when_asked_for() -> None:
    logprobs = answer(logprobs=True)["choices"][0]["logprobs"]
    assert "".join(token["token"] for token in logprobs["content"]) == "You said: hello there"
    assert answer()["choices"][0]["logprobs"] is None


def test_a_json_answer_is_json() -> None:
    assert json.loads(message(response_format={"type": "json_object"})["content"]) == {
        "you_said": "You said: hello there"
    }


def test_a_schema_is_satisfied() -> None:
    properties = {
        "name": {"type": "string"},
        "count": {"type": "integer"},
        "kind": {"enum": ["a", "b"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "sure": {"type": "boolean"},
        "nothing": {"type": "null"},
    }
    wanted = {"type": "json_schema", "json_schema": {"schema": {"type": "object", "properties": properties}}}
    got = json.loads(message(response_format=wanted)["content"])
    assert got.keys() == properties.keys()
    assert (got["count"], got["kind"], got["sure"], got["nothing"]) == (1, "a", True, None)


def test_refusal_reasoning_and_finish_are_as_told() -> None:
    refused = message("x [[echo: refusal=No.]]")
    assert (refused["refusal"], refused["content"]) == ("No.", None)
    reasoned = answer("x [[echo: reasoning=Let me see.; finish=length]]")
    assert reasoned["choices"][0]["message"]["reasoning_content"] == "Let me see."
    assert reasoned["choices"][0]["finish_reason"] == "length"
    assert reasoned["usage"]["completion_tokens_details"]["reasoning_tokens"] == 3


def test_a_vendors_keys_are_at_every_level() -> None:
    got = answer("x [[echo: vendor]]")
    for level in (got, got["choices"][0], got["choices"][0]["message"], got["usage"]):
        assert level["x_vendor"]["big"] == BIG_INTEGER


def test_an_error_has_the_apis_shape() -> None:
    assert error(500, "No.")["error"]["type"] == "server_error"
    assert error(404, "No.", "gone")["error"]["code"] == "gone"


def test_there_are_models() -> None:
    assert [model["id"] for model in models()["data"]] == ["echo", "echo-large"]
