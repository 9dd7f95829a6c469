from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects import rawjson
from penstock.dialects.openai_responses.members import (
    item_splices,
    parameter_splices,
    parameters,
    tool_name,
    tool_splices,
    tools,
)
from penstock.dialects.splicing import Splice, splice
from penstock.sdk.edits import REMOVED, AddText, MemberEdit

F: dict[str, Any] = {"type": "function", "name": "f"}
G: dict[str, Any] = {"type": "function", "name": "g"}
SEARCH: dict[str, Any] = {"type": "web_search"}
CRM: dict[str, Any] = {"type": "mcp", "server_label": "crm"}


def after(tree: dict[str, Any], splices: list[Splice]) -> Any:
    return rawjson.parse(splice(rawjson.dumps(tree), splices))


def without(tree: dict[str, Any], *names: str) -> Any:
    return after(tree, tool_splices(tree, [MemberEdit("request.tools", name, REMOVED) for name in names]))


def with_tool(tree: dict[str, Any], name: str, value: Any) -> Any:
    return after(tree, tool_splices(tree, [MemberEdit("request.tools", name, value)]))


def added(tree: dict[str, Any], *edits: tuple[str, str]) -> Any:
    return after(tree, item_splices(tree, [AddText(f"request.messages.{r}", text) for r, text in edits]))[
        "input"
    ]


def test_parameters_are_what_is_nothing_else() -> None:
    tree = {"model": "m", "input": "x", "instructions": "y", "temperature": 1, "odd": 2, "background": None}
    assert parameters(tree) == {"temperature": 1, "odd": 2}
    for name in ("model", "Input", "previous_response_id", "background", "prompt", "conversation"):
        with pytest.raises(ValueError, match="no parameter"):
            parameter_splices(tree, [MemberEdit("request.parameters", name, 1)])


def test_a_tool_goes_by_its_name_its_server_s_label_or_its_type() -> None:
    assert [tool_name(tool) for tool in (F, CRM, SEARCH, {})] == ["f", "crm", "web_search", ""]
    brought = {"type": "additional_tools", "tools": [G]}
    assert [tool.name for tool in tools({"tools": [F, SEARCH], "input": [brought]})] == [
        "f",
        "web_search",
        "g",
    ]


def test_tools_are_removed_wherever_they_stand_and_the_last_takes_the_choice_with_it() -> None:
    brought = {"type": "additional_tools", "tools": [F, G]}
    tree = {"tools": [F, SEARCH], "tool_choice": "required", "parallel_tool_calls": True, "input": [brought]}
    left = without(tree, "f")
    assert (left["tools"], left["input"][0]["tools"]) == ([SEARCH], [G])
    assert set(without(tree, "f", "web_search")) == {"input"}
    assert without(tree, "unknown") == tree


@pytest.mark.parametrize(
    ("choice", "narrowed"),
    [
        ("auto", "auto"),
        ({"type": "function", "name": "f"}, "none"),
        ({"type": "function", "name": "g"}, {"type": "function", "name": "g"}),
        ({"type": "mcp", "server_label": "f", "name": "x"}, "none"),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [F, G]},
            {"type": "allowed_tools", "mode": "auto", "tools": [G]},
        ),
        ({"type": "allowed_tools", "mode": "auto", "tools": [F]}, "none"),
    ],
)
def test_removing_a_tool_never_lets_the_model_choose_from_more(choice: Any, narrowed: Any) -> None:
    assert without({"tools": [F, G], "tool_choice": choice}, "f")["tool_choice"] == narrowed


def test_tools_are_replaced_or_added() -> None:
    new = {**F, "description": "new"}
    assert with_tool({"tools": [F, G]}, "f", new)["tools"] == [new, G]
    assert with_tool({"tools": [G]}, "f", F)["tools"] == [G, F]
    assert with_tool({"tools": None}, "f", F)["tools"] == [F]
    assert with_tool({}, "f", F)["tools"] == [F]
    for value in ({**F, "name": "x"}, "f", None):
        with pytest.raises(ValueError, match="no definition"):
            with_tool({}, "f", value)
    with pytest.raises(ValueError, match="same tool"):
        without({"tools": [F]}, "f", "f")


def test_messages_are_added_where_they_belong() -> None:
    said = {"role": "user", "content": "hi"}
    system = {"role": "developer", "content": "x"}
    edits = [("user", "u"), ("system", "s"), ("assistant", "a")]
    own = [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]
    assert added({"input": [system, said]}, *edits) == [
        system,
        {"role": "developer", "content": "s"},
        said,
        *own,
    ]
    assert added({"input": "hi"}, *edits) == [{"role": "system", "content": "s"}, said, *own]
    assert added({}, ("user", "u")) == [own[0]]
    assert item_splices({"input": "hi"}, []) == []
    with pytest.raises(ValueError, match="no message"):
        added({"input": []}, ("tool", "x"))
