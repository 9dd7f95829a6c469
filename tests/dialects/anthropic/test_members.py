from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects import rawjson
from penstock.dialects.anthropic import members
from penstock.dialects.splicing import Splice, splice
from penstock.sdk.edits import REMOVED, AddText, MemberEdit

USER = {"role": "user", "content": "hi"}


def tree(**rest: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [USER], **rest}


def applied(splices: list[Splice], body: Any) -> Any:
    return rawjson.parse(splice(rawjson.dumps(body), splices))


def edit(name: str, value: object = REMOVED) -> MemberEdit:
    return MemberEdit("request.tools", name, value)


def tool(name: str) -> dict[str, Any]:
    return {"name": name, "input_schema": {}}


def addition(name: str) -> dict[str, Any]:
    return {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": tool(name)}}


@pytest.mark.parametrize("name", [*sorted(members.NOT_PARAMETERS), "MODEL", "System"])
def test_what_is_no_parameter_cannot_be_written_as_one(name: str) -> None:
    for value in ("other", REMOVED):
        with pytest.raises(ValueError, match="no parameter"):
            members.parameter_splices(tree(), [MemberEdit("request.parameters", name, value)])


def test_a_parameter_is_set_added_and_removed() -> None:
    edits = [
        MemberEdit("request.parameters", n, v) for n, v in (("top_k", 5), ("speed", "fast"), ("x", REMOVED))
    ]
    assert applied(members.parameter_splices(tree(top_k=1, x=1), edits), tree(top_k=1, x=1)) == tree(
        top_k=5, speed="fast"
    )


@pytest.mark.parametrize(
    ("definition", "name"),
    [
        ({"name": "f", "type": "custom"}, "f"),
        ({"type": "mcp_toolset", "mcp_server_name": "s"}, "s"),
        ({"type": "computer_toolset_20260801"}, "computer_toolset_20260801"),
        ({}, ""),
    ],
)
def test_a_tool_goes_by_its_name_its_server_or_its_type(definition: dict[str, str], name: str) -> None:
    assert members.tool_name(definition) == name


def test_a_tool_is_removed_replaced_and_added() -> None:
    body = tree(tools=[tool("a"), tool("b")], tool_choice={"type": "auto"})
    edits = [edit("a"), edit("b", {"name": "b", "strict": True}), edit("c", tool("c"))]
    assert applied(members.tool_splices(body, edits), body) == tree(
        tools=[{"name": "b", "strict": True}, tool("c")], tool_choice={"type": "auto"}
    )
    assert applied(members.tool_splices(tree(), [edit("c", tool("c"))]), tree()) == tree(tools=[tool("c")])
    none = tree(tools=None)
    assert applied(members.tool_splices(none, [edit("c", tool("c"))]), none) == tree(tools=[tool("c")])


def test_the_last_tool_goes_with_the_choice_of_one() -> None:
    body = tree(tools=[tool("a")], tool_choice={"type": "any"})
    assert applied(members.tool_splices(body, [edit("a")]), body) == tree()
    after = applied(members.tool_splices(body, [edit("a"), edit("b", tool("b"))]), body)
    assert after == tree(tools=[tool("b")], tool_choice={"type": "any"})


def test_a_choice_of_a_tool_that_is_gone_becomes_none_never_more() -> None:
    body = tree(tools=[tool("a"), tool("b")], tool_choice={"type": "tool", "name": "a"})
    assert applied(members.tool_splices(body, [edit("a")]), body)["tool_choice"] == {"type": "none"}
    assert applied(members.tool_splices(body, [edit("b")]), body)["tool_choice"]["name"] == "a"
    absent = tree(tools=[tool("b")], tool_choice={"type": "tool", "name": "a"})
    assert applied(members.tool_splices(absent, [edit("a")]), absent) == absent


def test_a_tool_that_a_message_brings_is_removed_there() -> None:
    said = {"role": "system", "content": [addition("a"), {"type": "text", "text": "x"}]}
    body = tree(messages=[USER, said, {"role": "system", "content": [addition("a")]}], tools=[tool("b")])
    after = applied(members.tool_splices(body, [edit("a")]), body)
    kept = {"role": "system", "content": [{"type": "text", "text": "x"}]}
    assert after == tree(messages=[USER, kept], tools=[tool("b")])
    changed = applied(members.tool_splices(body, [edit("a", {"name": "a"})]), body)
    assert changed["messages"][2]["content"][0]["tool"]["definition"] == {"name": "a"}


def test_every_definition_of_a_name_is_replaced() -> None:
    said = {"role": "system", "content": [addition("a")]}
    body = tree(messages=[USER, said], tools=[tool("a"), tool("b")])
    after = applied(members.tool_splices(body, [edit("a", {"name": "a", "strict": True})]), body)
    found = [definition.definition for definition in members.tools(after)]
    assert found == [{"name": "a", "strict": True}, tool("b"), {"name": "a", "strict": True}]


def test_a_summary_that_keeps_a_tool_goes_with_it() -> None:
    kept = [addition("b"), addition("a"), addition("a")]
    summary = {"type": "compaction", "content": "s", "signature": "E", "tool_changes": kept}
    said = {"role": "assistant", "content": [summary, {"type": "text", "text": "x"}]}
    body = tree(messages=[USER, said])
    assert [tool.name for tool in members.tools(body)] == ["b", "a", "a"]
    after = applied(members.tool_splices(body, [edit("a")]), body)
    assert after["messages"][1]["content"] == [{"type": "text", "text": "x"}]


def test_the_tools_of_an_mcp_server_go_with_the_server() -> None:
    toolset = {"type": "mcp_toolset", "mcp_server_name": "s"}
    body = tree(tools=[toolset, tool("a")], mcp_servers=[{"name": "s"}, {"name": "t"}])
    assert applied(members.tool_splices(body, [edit("s")]), body) == tree(
        tools=[tool("a")], mcp_servers=[{"name": "t"}]
    )
    alone = tree(tools=[toolset], mcp_servers=[{"name": "s"}])
    assert applied(members.tool_splices(alone, [edit("s")]), alone) == tree()


@pytest.mark.parametrize("edits", [[edit("a"), edit("a")], [edit("a", {"name": "b"})], [edit("a", "x")]])
def test_edits_of_tools_that_do_not_fit_are_refused(edits: list[MemberEdit]) -> None:
    with pytest.raises(ValueError, match="tool"):
        members.tool_splices(tree(tools=[tool("a")]), edits)


def added(role: str, text: str) -> AddText:
    return AddText(f"request.messages.{role}", text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, ["new", "newer"]),
        ({"system": None}, ["new", "newer"]),
        ({"system": ""}, ["new", "newer"]),
        ({"system": "old"}, ["old", "new", "newer"]),
        ({"system": []}, ["new", "newer"]),
    ],
)
def test_what_is_added_to_the_system_comes_after_what_is_there(
    before: dict[str, Any], after: list[str]
) -> None:
    body = tree(**before)
    splices = members.message_splices(body, [added("system", "new"), added("system", "newer")])
    expected = [{"type": "text", "text": text} for text in after]
    assert applied(splices, body) == tree(system=expected)


def test_a_cached_prefix_stays_one_when_something_is_added() -> None:
    cached = {"type": "text", "text": "old", "cache_control": {"type": "ephemeral"}}
    body = tree(system=[cached])
    after = applied(members.message_splices(body, [added("system", "new")]), body)
    assert after["system"] == [cached, {"type": "text", "text": "new"}]


def test_messages_of_other_roles_come_last() -> None:
    body = tree()
    splices = members.message_splices(body, [added("user", "a"), added("assistant", "b")])
    expected = [USER, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert applied(splices, body)["messages"] == expected


@pytest.mark.parametrize("text", [added("tool", "x"), AddText("request.tools", "x"), added("user", 5)])  # type: ignore[arg-type]  # a careless plugin
def test_nothing_else_can_be_added(text: AddText) -> None:
    with pytest.raises(ValueError, match="no message can be added"):
        members.message_splices(tree(), [text])
