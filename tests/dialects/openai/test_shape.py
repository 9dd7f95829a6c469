from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects.openai import shape
from penstock.errors import RequestError


def refusal(tree: Any) -> str:
    with pytest.raises(RequestError) as caught:
        shape.check(tree)
    assert caught.value.status == 400
    return str(caught.value)


def body(**members: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": "hi"}], **members}


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("text", "messages[0] must be an object."),
        ({}, "messages[0].role must be text."),
        ({"role": 5}, "messages[0].role must be text."),
        ({"role": "user", "content": 5}, "messages[0].content must be text or a list of parts."),
        ({"role": "user", "content": {}}, "messages[0].content must be text or a list of parts."),
        ({"role": "user", "content": ["x"]}, "messages[0].content[0] must be an object."),
        ({"role": "user", "content": [{"text": "x"}]}, "messages[0].content[0].type must be text."),
        ({"role": "user", "content": [{"type": "text"}]}, "messages[0].content[0].text must be text."),
        ({"role": "user", "content": "", "name": ["x"]}, "messages[0].name must be text."),
        ({"role": "assistant", "tool_calls": {}}, "messages[0].tool_calls must be a list of tool calls."),
        ({"role": "assistant", "tool_calls": [1]}, "messages[0].tool_calls[0] must be an object."),
        (
            {"role": "assistant", "tool_calls": [{"function": {"arguments": {}}}]},
            "messages[0].tool_calls[0].function.arguments must be text that holds JSON.",
        ),
    ],
)
def test_a_message_of_wrong_types_is_named_in_words(message: Any, words: str) -> None:
    assert refusal(body(messages=[message])) == words


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ([], "The body must be a JSON object."),
        ({}, "model must be the name of a model."),
        ({"model": "", "messages": []}, "model must be the name of a model."),
        ({"model": None, "messages": []}, "model must be the name of a model."),
        ({"model": "m"}, "messages must be a list of messages."),
        (body(messages="hi"), "messages must be a list of messages."),
        (body(MODEL="m"), "A member is called model in another spelling; write model, once."),
        (
            body() | {"model\u017f": ["m"]},
            "A member is called models in another spelling; write models, once.",
        ),
        (body(models="m"), "models must be a list of models' names."),
        (body(fallbacks=[{"model": "m"}]), "fallbacks must be a list of models' names."),
        (body(models=["m"] * 9), "models must be a list of at most 8 models' names."),
        (body(metadata=[]), "metadata must be an object."),
        (body(tools={}), "tools must be a list of tools."),
        (body(tools=["f"]), "tools[0] must be an object."),
        (body(functions=[1]), "functions[0] must be an object."),
        (body(stop=5), "stop must be text or a list of texts."),
        (body(n=True), "n must be a whole number."),
        (body(n=1.5), "n must be a whole number."),
        (body(temperature="hot"), "temperature must be a number."),
        (body(stream="yes"), "stream must be true or false."),
        (body(stream=1), "stream must be true or false."),
        (body(stream_options=True), "stream_options must be an object."),
    ],
)
def test_a_member_of_a_wrong_type_is_named_in_words(tree: Any, words: str) -> None:
    assert refusal(tree) == words


def test_a_request_that_streams_is_checked_like_any_other() -> None:
    tree = body(stream=True, stream_options={"include_usage": True})
    assert shape.check(tree) is tree
    assert refusal(body(stream=True, n="2")) == refusal(body(n="2"))


def test_what_nobody_here_knows_passes() -> None:
    unknown = {"role": "critic", "content": [{"type": "hologram", "text": 5}], "tool_calls": [{"type": "x"}]}
    tree = body(messages=[unknown, {"role": "assistant"}], x=1, tools=[{"type": "web"}], stop=None, n=None)
    assert shape.check(tree) is tree
    assert shape.check(body(messages=[])) == body(messages=[])


def test_a_refusal_never_holds_content() -> None:
    canary = {"canary": "canary"}
    for tree in (body(messages=[{"role": canary}]), body(n="canary"), body(messages="canary"), ["canary"]):
        assert "canary" not in refusal(tree)
