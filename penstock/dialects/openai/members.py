"""Edits of a chat request's named members: metadata, parameters, tools; and of its list of messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from penstock.dialects.member_edits import object_splices, tool_edits
from penstock.dialects.splicing import AddElement, AddMember, Drop, Put, Splice
from penstock.sdk.edits import AddText, MemberEdit
from penstock.sdk.views import Tool

# What is no parameter: other fields, and what the gateway itself decides.
NOT_PARAMETERS: Final = frozenset(
    {
        *("model", "models", "fallbacks", "messages", "tools", "functions", "metadata"),
        *("stream", "stream_options", "prediction"),
    }
)
_LISTS: Final = ("tools", "functions")
# Upstreams refuse these in a request without tools.
_ONLY_WITH: Final[Mapping[str, tuple[str, ...]]] = {
    "tools": ("tool_choice", "parallel_tool_calls"),
    "functions": ("function_call",),
}
_LEADING: Final = ("system", "developer")


def parameters(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Every top-level member that is a parameter, also those that no table knows."""
    return {name: value for name, value in tree.items() if name not in NOT_PARAMETERS}


def parameter_splices(tree: Mapping[str, Any], edits: Sequence[MemberEdit]) -> list[Splice]:
    """Raises ValueError for what is no parameter: no plugin changes the model or the messages this way."""
    if any(str(edit.name).casefold() in NOT_PARAMETERS for edit in edits):
        raise ValueError("an edit names a member that is no parameter")
    return object_splices((), tree, edits)


def tools(tree: Mapping[str, Any]) -> tuple[Tool, ...]:
    """Every definition, those of the older `functions` too; one without a name goes by its type."""
    return tuple(Tool(tool_name(item), item) for name in _LISTS for item in tree.get(name) or ())


def tool_name(definition: Any) -> str:
    """The name of a tool, in either place where the API has it."""
    inner = definition.get("function") or definition.get("custom") or definition
    name = inner.get("name") if isinstance(inner, Mapping) else None
    return str(name or definition.get("type") or "")


def tool_splices(tree: Mapping[str, Any], edits: Sequence[MemberEdit]) -> list[Splice]:
    """Tools removed, replaced or added by name, and with them what would point to a tool that is gone."""
    removed, set_to = tool_edits(edits, tool_name)
    return [*_removed(tree, removed, adding=bool(set_to)), *_set(tree, set_to)]


def _removed(tree: Mapping[str, Any], names: set[str], *, adding: bool) -> list[Splice]:
    splices: list[Splice] = []
    for where in _LISTS:
        items = tree.get(where) or []
        gone = [index for index, item in enumerate(items) if tool_name(item) in names]
        if not gone:
            continue
        if len(gone) == len(items) and not (adding and where == "tools"):
            splices += [Drop((name,)) for name in (where, *_ONLY_WITH[where]) if name in tree]
        else:
            splices += [Drop((where, index)) for index in gone]
            splices += _narrowed(tree, _ONLY_WITH[where][0], names)
    return splices


def _narrowed(tree: Mapping[str, Any], choice_name: str, gone: set[str]) -> list[Splice]:
    """The caller's choice without the tools that are gone.

    One that allowed nothing else becomes `none`: removing a tool never lets the model choose from more.
    """
    choice = tree.get(choice_name)
    if not isinstance(choice, dict):
        return []
    allowed = choice.get("allowed_tools")
    listed = allowed.get("tools") if isinstance(allowed, dict) else None
    if not isinstance(listed, list):
        return [Put((choice_name,), "none")] if tool_name(choice) in gone else []
    dropped = [i for i, item in enumerate(listed) if isinstance(item, dict) and tool_name(item) in gone]
    if len(dropped) == len(listed):
        return [Put((choice_name,), "none")]
    return [Drop((choice_name, "allowed_tools", "tools", index)) for index in dropped]


def _set(tree: Mapping[str, Any], set_to: Mapping[str, object]) -> list[Splice]:
    places = {
        tool_name(item): (where, index)
        for where in _LISTS
        for index, item in enumerate(tree.get(where) or ())
    }
    splices: list[Splice] = [Put(places[name], value) for name, value in set_to.items() if name in places]
    new = [value for name, value in set_to.items() if name not in places]
    if not new:
        return splices
    if isinstance(tree.get("tools"), list):
        return splices + [AddElement(("tools",), len(tree["tools"]), value) for value in new]
    return [*splices, Put(("tools",), new) if "tools" in tree else AddMember((), "tools", new)]


def message_splices(messages: Sequence[Mapping[str, Any]], edits: Sequence[AddText]) -> list[Splice]:
    """New messages: a system one after those that lead the conversation, of any other role at the end.

    A system message takes the role of the one that it follows: an API refuses `system` beside `developer`.
    Raises ValueError for tool results, which answer a call and cannot be added.
    """
    leading = 0
    while leading < len(messages) and messages[leading]["role"] in _LEADING:
        leading += 1
    system_role = messages[leading - 1]["role"] if leading else "system"
    places = {
        "request.messages.system": (leading, system_role),
        "request.messages.user": (len(messages), "user"),
        "request.messages.assistant": (len(messages), "assistant"),
    }
    splices: list[Splice] = []
    for edit in edits:
        if edit.field not in places or not isinstance(edit.text, str):
            raise ValueError(f"no message can be added to {edit.field}")
        index, role = places[edit.field]
        splices.append(AddElement(("messages",), index, {"role": role, "content": edit.text}))
    return splices
