from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects import rawjson
from penstock.dialects.openai import members
from penstock.dialects.splicing import Splice, splice
from penstock.sdk.edits import REMOVED, AddText, MemberEdit

TREE: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "hi"}],
    "stop": "END",
    "metadata": {"a": "1", "b": "2"},
}


def applied(splices: list[Splice], tree: Any = TREE) -> Any:
    return rawjson.parse(splice(rawjson.dumps(tree), splices))


def tool(name: str, kind: str = "function") -> dict[str, Any]:
    return {"type": kind, kind: {"name": name}}


def parameter(name: str, value: object) -> MemberEdit:
    return MemberEdit("request.parameters", name, value)


def test_a_parameter_is_set_added_and_removed() -> None:
    edits = [parameter("stop", ["X"]), parameter("temperature", 0.5), parameter("absent", REMOVED)]
    assert applied(members.parameter_splices(TREE, edits)) == {**TREE, "stop": ["X"], "temperature": 0.5}
    gone = applied(members.parameter_splices(TREE, [parameter("stop", REMOVED)]))
    assert "stop" not in gone


@pytest.mark.parametrize("name", [*sorted(members.NOT_PARAMETERS), "MODEL"])
def test_what_is_no_parameter_cannot_be_written_as_one(name: str) -> None:
    for value in ("other", REMOVED):
        with pytest.raises(ValueError, match="no parameter"):
            members.parameter_splices(TREE, [parameter(name, value)])


def test_two_edits_of_one_member_are_refused() -> None:
    for name in ("stop", "new"):
        with pytest.raises(ValueError, match=r"overlap|same member"):
            applied(members.parameter_splices(TREE, [parameter(name, 1), parameter(name, 2)]))


def test_a_name_that_is_no_text_and_a_value_that_is_no_json_are_refused() -> None:
    for edit in (parameter(5, "x"), parameter("x", object()), parameter("stop", "\ud800")):  # type: ignore[arg-type]  # a careless plugin
        with pytest.raises(ValueError, match=r"text|JSON"):
            applied(members.parameter_splices(TREE, [edit]))


def tool_edit(name: str, value: object = REMOVED) -> MemberEdit:
    return MemberEdit("request.tools", name, value)


def test_a_tool_is_removed_by_name_wherever_it_is_defined() -> None:
    tree = {"tools": [tool("a"), tool("b", "custom"), tool("a")], "functions": [{"name": "a"}, {"name": "c"}]}
    after = applied(members.tool_splices(tree, [tool_edit("a"), tool_edit("unknown")]), tree)
    assert after == {"tools": [tool("b", "custom")], "functions": [{"name": "c"}]}


def test_without_its_last_tool_a_request_has_nothing_that_needs_tools() -> None:
    tree = {"tools": [tool("a")], "tool_choice": "required", "parallel_tool_calls": False, "n": 1}
    assert applied(members.tool_splices(tree, [tool_edit("a")]), tree) == {"n": 1}
    tree = {"functions": [{"name": "a"}], "function_call": "auto", "n": 1}
    assert applied(members.tool_splices(tree, [tool_edit("a")]), tree) == {"n": 1}


ALLOWED = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [tool("a"), tool("b")]}}


@pytest.mark.parametrize(
    ("choice", "removed", "expected"),
    [
        (tool("a"), ["a"], "none"),
        (tool("b"), ["a"], tool("b")),
        (tool("a", "custom"), ["a"], "none"),
        ("required", ["a"], "required"),
        (ALLOWED, ["a"], {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [tool("b")]}}),
        (ALLOWED, ["a", "b"], "none"),
        (ALLOWED, ["c"], ALLOWED),
    ],
)
def test_a_choice_never_allows_more_than_before(choice: Any, removed: list[str], expected: Any) -> None:
    tree = {"tools": [tool("a"), tool("b"), tool("c")], "tool_choice": choice}
    after = applied(members.tool_splices(tree, [tool_edit(name) for name in removed]), tree)
    assert after["tool_choice"] == expected


def test_a_tool_is_replaced_or_added_by_its_definition() -> None:
    new = {"type": "function", "function": {"name": "a", "description": "new"}}
    tree = {"tools": [tool("a"), tool("b")]}
    after = applied(members.tool_splices(tree, [tool_edit("a", new), tool_edit("z", tool("z"))]), tree)
    assert after == {"tools": [new, tool("b"), tool("z")]}
    for without in ({"n": 1}, {"n": 1, "tools": None}, {"n": 1, "tools": []}):
        assert applied(members.tool_splices(without, [tool_edit("z", tool("z"))]), without)["tools"] == [
            tool("z")
        ]


def test_the_last_tool_can_be_exchanged_for_another() -> None:
    tree = {"tools": [tool("a")], "tool_choice": "auto"}
    after = applied(members.tool_splices(tree, [tool_edit("a"), tool_edit("z", tool("z"))]), tree)
    assert after == {"tools": [tool("z")], "tool_choice": "auto"}


@pytest.mark.parametrize("value", ["text", None, {}, tool("other"), [tool("a")]])
def test_a_tool_is_set_to_nothing_but_a_definition_of_its_name(value: object) -> None:
    with pytest.raises(ValueError, match="no definition"):
        members.tool_splices({"tools": [tool("a")]}, [tool_edit("a", value)])


def test_two_edits_of_one_tool_are_refused() -> None:
    with pytest.raises(ValueError, match="same tool"):
        members.tool_splices({"tools": [tool("a")]}, [tool_edit("a"), tool_edit("a", tool("a"))])


def roles(messages: list[str], *fields: str) -> list[str]:
    tree = {"messages": [{"role": role, "content": ""} for role in messages]}
    edits = [AddText(f"request.messages.{field}", "new") for field in fields]
    after = applied(members.message_splices(tree["messages"], edits), tree)
    return [message["role"] + "*" * (message["content"] == "new") for message in after["messages"]]


def test_a_system_message_follows_those_that_lead_and_takes_their_role() -> None:
    assert roles(["user"], "system") == ["system*", "user"]
    assert roles([], "system") == ["system*"]
    assert roles(["system", "user", "system"], "system", "system") == [
        "system",
        "system*",
        "system*",
        "user",
        "system",
    ]
    assert roles(["developer", "user"], "system") == ["developer", "developer*", "user"]


def test_other_messages_come_last_in_the_order_given() -> None:
    assert roles(["user", "assistant"], "user", "assistant") == ["user", "assistant", "user*", "assistant*"]


@pytest.mark.parametrize(
    "field", ["request.messages.tool", "request.tools", "response.text", "request.tool_calls"]
)
def test_no_message_can_be_added_elsewhere(field: str) -> None:
    with pytest.raises(ValueError, match="no message can be added"):
        members.message_splices([], [AddText(field, "x")])
