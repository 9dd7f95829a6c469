"""Edits of a request's named members: parameters and tools; and of its list of messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from penstock.dialects.anthropic import blocks
from penstock.dialects.anthropic.shape import definitions
from penstock.dialects.member_edits import object_splices, tool_edits
from penstock.dialects.splicing import AddElement, AddMember, Drop, Put, Splice
from penstock.sdk.edits import AddText, MemberEdit
from penstock.sdk.views import Tool

# What is no parameter: other fields, what the gateway itself decides, credentials, what is kept elsewhere.
NOT_PARAMETERS: Final = frozenset(
    {
        *("model", "fallbacks", "system", "messages", "tools", "mcp_servers", "metadata", "stream"),
        *("thread", "fallback_credit_token"),
    }
)


def parameters(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Every top-level member that is a parameter, also those that no table knows."""
    return {name: value for name, value in tree.items() if name not in NOT_PARAMETERS}


def parameter_splices(tree: Mapping[str, Any], edits: Sequence[MemberEdit]) -> list[Splice]:
    """Raises ValueError for what is no parameter: no plugin changes the model or the messages this way."""
    if any(str(edit.name).casefold() in NOT_PARAMETERS for edit in edits):
        raise ValueError("an edit names a member that is no parameter")
    return object_splices((), tree, edits)


def tools(tree: Mapping[str, Any]) -> tuple[Tool, ...]:
    """Every definition, those that messages bring or keep too."""
    return tuple(Tool(tool_name(definition), definition) for _at, definition in definitions(tree))


def tool_name(definition: Mapping[str, Any]) -> str:
    """The name of a tool; a set of tools goes by its MCP server, one without either by its type."""
    return str(next(filter(None, (definition.get(n) for n in ("name", "mcp_server_name", "type"))), ""))


def tool_splices(tree: Mapping[str, Any], edits: Sequence[MemberEdit]) -> list[Splice]:
    """Tools removed, replaced or added by name, and with them what would point to a tool that is gone."""
    removed, set_to = tool_edits(edits, tool_name)
    return [*_removed(tree, removed, is_adding=bool(set_to)), *_set(tree, set_to)]


def _removed(tree: Mapping[str, Any], names: set[str], *, is_adding: bool) -> list[Splice]:
    gone = [(at, definition) for at, definition in definitions(tree) if tool_name(definition) in names]
    listed = [at for at, _ in gone if at[0] == "tools"]
    bringing = dict.fromkeys(at[:4] for at, _ in gone if at[0] == "messages")
    splices: list[Splice] = [*blocks.without_blocks(tree, bringing)]
    splices += _servers_removed(tree, [definition.get("mcp_server_name") for _, definition in gone])
    if listed and len(listed) == len(tree["tools"]) and not is_adding:
        return splices + [Drop((name,)) for name in ("tools", "tool_choice") if name in tree]
    return [*splices, *map(Drop, listed), *_narrowed(tree, names if gone else set())]


def _servers_removed(tree: Mapping[str, Any], names: Sequence[Any]) -> list[Splice]:
    """MCP servers whose tools are gone: the API refuses a server that no tool names."""
    servers = tree.get("mcp_servers") or []
    gone = [index for index, server in enumerate(servers) if server.get("name", "") in names]
    if gone and len(gone) == len(servers):
        return [Drop(("mcp_servers",))]
    return [Drop(("mcp_servers", index)) for index in gone]


def _narrowed(tree: Mapping[str, Any], gone: set[str]) -> list[Splice]:
    """A choice of a tool that is gone becomes none: removing one never lets the model choose from more."""
    choice = tree.get("tool_choice")
    is_gone = type(choice) is dict and choice.get("type") == "tool" and str(choice.get("name")) in gone
    return [Put(("tool_choice",), {"type": "none"})] if is_gone else []


def _set(tree: Mapping[str, Any], set_to: Mapping[str, object]) -> list[Splice]:
    places = [(at, tool_name(definition)) for at, definition in definitions(tree)]
    splices: list[Splice] = [Put(at, set_to[name]) for at, name in places if name in set_to]
    known = {name for _at, name in places}
    new = [value for name, value in set_to.items() if name not in known]
    if not new:
        return splices
    if isinstance(tree.get("tools"), list):
        return splices + [AddElement(("tools",), len(tree["tools"]), value) for value in new]
    return [*splices, Put(("tools",), new) if "tools" in tree else AddMember((), "tools", new)]


def message_splices(tree: Mapping[str, Any], edits: Sequence[AddText]) -> list[Splice]:
    """New texts: of the system after those that are there, of any other role as a message at the end.

    What is there stays as it is, so that a cached prefix stays one. Raises ValueError for tool results, which
    answer a call and cannot be added.
    """
    system: list[str] = []
    splices: list[Splice] = []
    for edit in edits:
        role = edit.field.rpartition(".")[2]
        if edit.field not in _ADDED_TO or not isinstance(edit.text, str):
            raise ValueError(f"no message can be added to {edit.field}")
        if role == "system":
            system.append(edit.text)
        else:
            message = {"role": role, "content": edit.text}
            splices.append(AddElement(("messages",), len(tree["messages"]), message))
    return [*splices, *_added_to_system(tree, system)]


_ADDED_TO: Final = frozenset(f"request.messages.{role}" for role in ("system", "user", "assistant"))


def _added_to_system(tree: Mapping[str, Any], texts: Iterable[str]) -> list[Splice]:
    added = [_text_block(text) for text in texts]
    said = tree.get("system")
    if not added:
        return []
    if type(said) is list:
        return [AddElement(("system",), len(said), block) for block in added]
    if "system" in tree:
        return [Put(("system",), [*([_text_block(said)] if said else []), *added])]
    return [AddMember((), "system", added)]


def _text_block(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}
