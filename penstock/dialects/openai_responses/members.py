"""Edits of a request's named members: parameters and tools; and of its list of items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from penstock.dialects.member_edits import object_splices, tool_edits
from penstock.dialects.openai_responses.shape import items_of, tool_lists
from penstock.dialects.splicing import AddElement, AddMember, Drop, Path, Put, Splice
from penstock.sdk.edits import AddText, MemberEdit
from penstock.sdk.views import Tool

# What is no parameter: other fields, what the gateway itself decides, what is kept elsewhere.
NOT_PARAMETERS: Final = frozenset(
    {
        *("model", "models", "fallbacks", "input", "instructions", "tools", "metadata"),
        *("stream", "stream_options", "background", "previous_response_id", "conversation", "prompt"),
    }
)
# Upstreams refuse these in a request without tools.
_ONLY_WITH_TOOLS: Final = ("tool_choice", "parallel_tool_calls", "max_tool_calls")
_LEADING: Final = ("system", "developer")
_ADDED_TO: Final = frozenset(f"request.messages.{role}" for role in ("system", "user", "assistant"))


def parameters(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Every top-level member that is a parameter, also those that no table knows."""
    return {name: value for name, value in tree.items() if name not in NOT_PARAMETERS}


def parameter_splices(tree: Mapping[str, Any], edits: Sequence[MemberEdit]) -> list[Splice]:
    """Raises ValueError for what is no parameter: no plugin changes the model or the input this way."""
    if any(str(edit.name).casefold() in NOT_PARAMETERS for edit in edits):
        raise ValueError("an edit names a member that is no parameter")
    return object_splices((), tree, edits)


def tools(tree: Mapping[str, Any]) -> tuple[Tool, ...]:
    """Every definition, those that items bring too."""
    return tuple(Tool(tool_name(definition), definition) for _at, definition in _definitions(tree))


def tool_name(definition: Mapping[str, Any]) -> str:
    """The name of a tool; an MCP server's tools go by its label, what the provider runs by its type."""
    return str(next(filter(None, (definition.get(n) for n in ("name", "server_label", "type"))), ""))


def tool_splices(tree: Mapping[str, Any], edits: Sequence[MemberEdit]) -> list[Splice]:
    """Tools removed, replaced or added by name, and with them what would point to a tool that is gone."""
    removed, set_to = tool_edits(edits, tool_name)
    return [*_removed(tree, removed, is_adding=bool(set_to)), *_set(tree, set_to)]


def without_tools(tree: Mapping[str, Any]) -> list[Splice]:
    """What goes from a request whose tools are all gone."""
    return [Drop((name,)) for name in _ONLY_WITH_TOOLS if name in tree]


def _definitions(tree: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for at, listed in tool_lists(tree):
        for index, definition in enumerate(listed):
            if type(definition) is dict:
                yield (*at, index), definition


def _removed(tree: Mapping[str, Any], names: set[str], *, is_adding: bool) -> list[Splice]:
    gone = [at for at, definition in _definitions(tree) if tool_name(definition) in names]
    listed = [at for at in gone if at[0] == "tools"]
    splices: list[Splice] = [Drop(at) for at in gone if at[0] != "tools"]
    if listed and len(listed) == len(tree["tools"]) and not is_adding:
        return [*splices, Drop(("tools",)), *without_tools(tree)]
    return [*splices, *map(Drop, listed), *(_narrowed(tree, names) if gone else ())]


def _narrowed(tree: Mapping[str, Any], gone: set[str]) -> list[Splice]:
    """The caller's choice without the tools that are gone.

    One that allowed nothing else becomes `none`: removing a tool never lets the model choose from more.
    """
    choice = tree.get("tool_choice")
    if type(choice) is not dict:
        return []
    if choice.get("type") != "allowed_tools" or type(choice.get("tools")) is not list:
        is_gone = str(choice.get("server_label") or tool_name(choice)) in gone
        return [Put(("tool_choice",), "none")] if is_gone else []
    allowed = choice["tools"]
    dropped = [i for i, tool in enumerate(allowed) if type(tool) is dict and tool_name(tool) in gone]
    if len(dropped) == len(allowed):
        return [Put(("tool_choice",), "none")]
    return [Drop(("tool_choice", "tools", index)) for index in dropped]


def _set(tree: Mapping[str, Any], set_to: Mapping[str, object]) -> list[Splice]:
    places = {tool_name(definition): at for at, definition in _definitions(tree)}
    splices: list[Splice] = [Put(places[name], value) for name, value in set_to.items() if name in places]
    new = [value for name, value in set_to.items() if name not in places]
    if not new:
        return splices
    if isinstance(tree.get("tools"), list):
        return splices + [AddElement(("tools",), len(tree["tools"]), value) for value in new]
    return [*splices, Put(("tools",), new) if "tools" in tree else AddMember((), "tools", new)]


def item_splices(tree: Mapping[str, Any], edits: Sequence[AddText]) -> list[Splice]:
    """New messages: a system one after those that lead the input, of any other role at the end.

    An input that is one text becomes a message of the user beside them. Raises ValueError for tools' results,
    which answer a call and cannot be added.
    """
    items = items_of(tree)
    leading = 0
    while leading < len(items) and items[leading].get("role") in _LEADING:
        leading += 1
    system_role = items[leading - 1]["role"] if leading else "system"
    added: list[tuple[int, dict[str, str]]] = []
    for edit in edits:
        role = edit.field.rpartition(".")[2]
        if edit.field not in _ADDED_TO or not isinstance(edit.text, str):
            raise ValueError(f"no message can be added to {edit.field}")
        is_system = role == "system"
        message = {"role": system_role if is_system else role, "content": edit.text}
        added.append((leading if is_system else len(items), message))
    if type(tree.get("input")) is list:
        return [AddElement(("input",), index, message) for index, message in added]
    return [_begun(tree, added)] if added else []


def _begun(tree: Mapping[str, Any], added: Sequence[tuple[int, dict[str, str]]]) -> Splice:
    """The list in place of an input that is one text, or none."""
    system = [message for _index, message in added if message["role"] in _LEADING]
    rest = [message for _index, message in added if message["role"] not in _LEADING]
    said = [{"role": "user", "content": tree["input"]}] if tree.get("input") else []
    items = [*system, *said, *rest]
    return Put(("input",), items) if "input" in tree else AddMember((), "input", items)
