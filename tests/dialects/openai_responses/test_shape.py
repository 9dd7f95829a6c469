from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects.openai_responses.shape import check, items_of, other_models, tool_lists
from penstock.errors import RequestError


def body(**members: Any) -> dict[str, Any]:
    return {"model": "m", "input": "hi", **members}


@pytest.mark.parametrize(
    "tree",
    [
        body(),
        {"model": "m"},
        body(input=None, instructions=None, tools=None, background=False, conversation="conv_1"),
        body(input=[{"role": "user", "content": "x"}, {"id": "msg_1"}, {"type": "dream", "x": 1}]),
        body(input=[{"role": "user", "content": [{"type": "input_text", "text": "x"}]}]),
        body(unknown={"a": 1}, tool_choice={"type": "function", "name": "f"}),
    ],
)
def test_what_can_be_served_passes_as_it_is(tree: dict[str, Any]) -> None:
    assert check(tree) is tree


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ([], "The body must be a JSON object"),
        ({"input": "x"}, "model must be the name of a model"),
        (body(model=""), "model must be"),
        (body(input={}), "input must be text or a list of items"),
        (body(input=["canary"]), r"input\[0\] must be an object"),
        (body(input=[{"role": 1}]), r"input\[0\].role must be text"),
        (body(input=[{"type": ["canary"]}]), r"input\[0\].type must be text"),
        (body(input=[{"role": "user", "content": {"a": "canary"}}]), r"content must be text or a list"),
        (body(input=[{"role": "user", "content": ["canary"]}]), r"content\[0\] must be an object"),
        (body(input=[{"role": "user", "content": [{"text": "canary"}]}]), r"content\[0\].type must be text"),
        (body(input=[{"role": "user", "content": [{"type": "input_text"}]}]), r"\[0\].text must be text"),
        (body(input=[{"type": "function_call", "arguments": {"a": "canary"}}]), "holds JSON"),
        (body(input=[{"type": "additional_tools", "tools": "canary"}]), "tools must be a list"),
        (body(input=[{"type": "additional_tools", "tools": ["canary"]}]), r"tools\[0\] must be an object"),
        (body(instructions=["canary"]), "instructions must be text"),
        (body(tools={"a": 1}), "tools must be a list of tools"),
        (body(tools=["canary"]), r"tools\[0\] must be an object"),
        (body(stream="yes"), "stream must be true or false"),
        (body(background=True), "background are not served"),
        (body(MODEL="x"), "another spelling"),
        (body(models="x"), "models must be a list"),
        (body(fallbacks=[{"model": "x"}]), "fallbacks must be a list"),
        (body(models=list("abcdefghi")), "more than 8 models"),
    ],
)
def test_what_is_no_request_is_refused_in_words_that_hold_none_of_it(tree: Any, words: str) -> None:
    with pytest.raises(RequestError, match=words) as caught:
        check(tree)
    assert (caught.value.status, "canary" in str(caught.value)) == (400, False)


def test_every_model_that_an_upstream_may_turn_to_is_named() -> None:
    drawing = {"type": "image_generation", "model": "draws", "svg": {"model": "writes"}}
    tree = body(models=["a"], fallbacks=["b"], tools=[drawing, {"type": "web_search", "svg": 1}])
    tree["input"] = [{"type": "additional_tools", "tools": [{"type": "image_generation", "model": "c"}]}]
    assert other_models(tree) == ["a", "b", "draws", "writes", "c"]
    assert other_models(body()) == []


def test_tools_stand_in_the_request_and_in_items() -> None:
    found = {"type": "tool_search_output", "tools": [{"name": "f"}]}
    tree = body(tools=[{"name": "g"}], input=[{"role": "user"}, found])
    assert list(tool_lists(tree)) == [(("tools",), [{"name": "g"}]), (("input", 1, "tools"), [{"name": "f"}])]
    assert items_of(body()) == []
