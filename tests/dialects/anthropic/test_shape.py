from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects.anthropic import shape
from penstock.errors import RequestError

USER = {"role": "user", "content": "canary"}


def body(**members: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [USER], **members}


@pytest.mark.parametrize(
    "tree",
    [
        body(),
        body(messages=[]),
        body(messages=[{"role": "critic"}, {"role": "user", "content": None}]),
        body(messages=[{"role": "user", "content": [{"type": "hologram"}]}], x_unknown=[1]),
        body(system=[{"type": "text", "text": "x"}], tools=[{}], stream=True, max_tokens=0),
        body(metadata=None, tools=None, tool_choice=None, system=None, fallbacks=None, temperature=0.5),
    ],
)
def test_what_the_upstream_is_to_judge_passes(tree: dict[str, Any]) -> None:
    assert shape.check(tree) is tree


@pytest.mark.parametrize(
    ("tree", "where"),
    [
        ([], "The body"),
        ({"messages": []}, "model"),
        (body(model=""), "model"),
        (body(model=5), "model"),
        ({"model": "m"}, "messages"),
        (body(messages="canary"), "messages"),
        (body(messages=["canary"]), "messages[0]"),
        (body(messages=[{"role": 1}]), "messages[0].role"),
        (body(messages=[{"role": "user", "content": {}}]), "messages[0].content"),
        (body(messages=[{"role": "user", "content": ["canary"]}]), "messages[0].content[0]"),
        (body(messages=[{"role": "user", "content": [{"text": "canary"}]}]), "messages[0].content[0].type"),
        (
            body(messages=[{"role": "user", "content": [{"type": "text", "text": 5}]}]),
            "messages[0].content[0].text",
        ),
        (
            body(messages=[{"role": "user", "content": [{"type": "tool_result", "content": [5]}]}]),
            "messages[0].content[0].content[0]",
        ),
        (body(system={}), "system"),
        (body(system=[{"type": "text"}]), "system[0].text"),
        (body(tools={}), "tools"),
        (body(tools=[5]), "tools[0]"),
        (body(mcp_servers=[None]), "mcp_servers[0]"),
        (body(metadata=[]), "metadata"),
        (body(stop_sequences="canary"), "stop_sequences"),
        (body(stream="yes"), "stream"),
        (body(max_tokens=True), "max_tokens"),
        (body(fallbacks="default"), "fallbacks"),
        (body(fallbacks=["canary"]), "fallbacks[0]"),
        (body(fallbacks=[{"model": 5}]), "fallbacks[0].model"),
    ],
)
def test_what_penstock_relies_on_is_named_when_it_is_wrong(tree: Any, where: str) -> None:
    with pytest.raises(RequestError) as caught:
        shape.check(tree)
    assert str(caught.value).startswith(f"{where} must be ")
    assert (caught.value.code, caught.value.status) == ("invalid_request_body", 400)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("name", ["MODEL", "Fallbacks"])
def test_a_model_is_named_where_it_is_read(name: str) -> None:
    with pytest.raises(RequestError, match="another spelling"):
        shape.check(body(**{name: "canary"}))


def test_the_models_that_a_request_may_name_are_bounded() -> None:
    tools = [{"name": str(index), "model": f"m-{index}"} for index in range(5)]
    fallbacks = [{"model": f"m-{index}"} for index in range(4)]
    with pytest.raises(RequestError, match="more than 8 models"):
        shape.check(body(tools=tools, fallbacks=fallbacks))
    assert shape.other_models(shape.check(body(tools=tools, fallbacks=fallbacks[:3]))) == [
        *("m-0", "m-1", "m-2"),
        *(f"m-{index}" for index in range(5)),
    ]
